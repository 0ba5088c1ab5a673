"""Apache Kafka that lets nobody in without TLS: who has a user there by SCRAM, or a certificate of the right authority.

Its listener is what `Wire` makes of these settings; everything is in plain text only between its own two roles.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.apache_kafka import Wire
from deploy.local.servers import broker_answers
from shared.connections import KafkaConnection
from tests.certificates import Authority
from tests.servers import SHORT_SESSIONS, native_broker

USER, PASSWORD = "tenure", "correct-horse-battery-staple"
JAAS = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@contextmanager
def with_users(folder: Path, authority: Authority) -> Iterator[str]:
    """host:port; SASL over TLS, one user."""
    wire = Wire(
        "SASL_SSL",
        settings={
            **_tls(authority),
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": JAAS,
        },
        format_arguments=("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"),
    )
    with native_broker(folder, wire, answers=_answers(connection, authority)) as address:
        yield address


@contextmanager
def with_certificates(folder: Path, authority: Authority) -> Iterator[str]:
    """host:port; TLS from both sides."""
    wire = Wire("SSL", settings={**_tls(authority), "ssl.client.auth": "required"})
    with native_broker(folder, wire, answers=_answers(certified, authority)) as address:
        yield address


def connection(address: str, authority: Authority, *, password: str = PASSWORD) -> KafkaConnection:
    return KafkaConnection.model_validate(
        {
            "kafka": address,
            "kafka_security": "sasl-tls",
            "kafka_username": USER,
            "kafka_password": password,
            "kafka_ca_file": authority.file,
        }
    )


def certified(address: str, authority: Authority) -> KafkaConnection:
    client = authority.issue("client", "a-channel.example")
    return KafkaConnection.model_validate(
        {
            "kafka": address,
            "kafka_security": "tls",
            "kafka_ca_file": authority.file,
            "kafka_cert_file": client.file,
            "kafka_key_file": client.key_file,
        }
    )


def variables(kafka: KafkaConnection) -> dict[str, str]:
    """The same as a process is told it."""
    told = {name: getattr(kafka, name) for name in KafkaConnection.model_fields if name.startswith("kafka")}
    shown = {name: getattr(value, "get_secret_value", lambda value=value: value)() for name, value in told.items()}
    return {f"TENURE_{name.upper()}": str(value) for name, value in shown.items() if value is not None}


def _tls(authority: Authority) -> dict[str, str]:
    return {
        **SHORT_SESSIONS,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority.issue("broker").both),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
    }


def _answers(reach: Callable[[str, Authority], KafkaConnection], authority: Authority) -> Callable[[str], bool]:
    return lambda address: broker_answers(reach(address, authority))

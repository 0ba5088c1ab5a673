"""How every client of this deployment reaches Kafka: readers, publishers, the ones that look after topics, commands."""

from typing import Any

from shared.connections import KafkaConnection

CLIENT_ID = "tenure"
PROTOCOLS = {"plaintext": "PLAINTEXT", "tls": "SSL", "sasl-plaintext": "SASL_PLAINTEXT", "sasl-tls": "SASL_SSL"}

Kafka = KafkaConnection | str  # an address alone: of a broker that asks for nothing, as on this machine


def client_options(kafka: Kafka) -> dict[str, Any]:
    """Keyword arguments that consumers, producers and admin clients of aiokafka share. Reads the certificates anew.
    Raises UnusableFile, an OSError."""
    servers = {"bootstrap_servers": address_of(kafka).split(","), "client_id": CLIENT_ID}
    return {**servers, **security_options(kafka)} if isinstance(kafka, KafkaConnection) else servers


def security_options(kafka: KafkaConnection) -> dict[str, Any]:
    options: dict[str, Any] = {
        "security_protocol": PROTOCOLS[kafka.kafka_security],
        "ssl_context": kafka.kafka_tls(),
    }
    if kafka.kafka_security.authenticates and kafka.kafka_password is not None:
        options["sasl_mechanism"] = kafka.kafka_sasl_mechanism.value
        options["sasl_plain_username"] = kafka.kafka_username
        options["sasl_plain_password"] = kafka.kafka_password.get_secret_value()
    return options


def address_of(kafka: Kafka) -> str:
    return kafka if isinstance(kafka, str) else kafka.kafka

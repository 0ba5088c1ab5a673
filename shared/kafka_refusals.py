"""Why does Kafka not let us in? aiokafka says of every failure at the start no more than "unable to bootstrap".

In: where Kafka is. Out: a sentence a broker, from a connection made for nothing but to hear it, without any secret.
"""

import asyncio
import os
import re
import socket
import ssl
from typing import Any, Protocol

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError
from aiokafka.protocol.metadata import MetadataRequest

from shared.kafka_client import Kafka, address_of, client_options
from shared.tls import UnusableFile

ANSWER_S = 3.0
OUR_CERTIFICATE = re.compile(r"ALERT_.*(?:CERTIFICATE|UNKNOWN_CA)")
PROTOCOL = re.compile(r"^(?:SSL|TLS)V\d+_")  # OpenSSL's names of alerts begin with the version that first had them


class Startable(Protocol):
    """Any client of aiokafka."""

    async def start(self) -> Any: ...


async def start(client: Startable, kafka: Kafka) -> None:
    """Raises KafkaError; where no broker lets us in, one that says why."""
    try:
        await client.start()
    except KafkaConnectionError as error:
        raise KafkaConnectionError(await why_unreachable(kafka) or str(error)) from error


async def why_unreachable(kafka: Kafka) -> str | None:
    """None if a broker lets us in now."""
    try:
        options = client_options(kafka)
    except UnusableFile as error:  # a certificate was replaced by something else meanwhile
        return str(error)
    del options["bootstrap_servers"]
    hosts = collect_hosts(address_of(kafka), randomize=False)
    reasons = await asyncio.gather(*(_why(host, port, options) for host, port, _ in hosts))
    return None if None in reasons else "; ".join(dict.fromkeys(filter(None, reasons)))


async def _why(host: str, port: int, options: dict[str, Any]) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_S):
            connection = await create_conn(host, port, request_timeout_ms=int(ANSWER_S * 1000), **options)
            try:
                await connection.send(MetadataRequest([]))
            finally:
                connection.close()
    except (OSError, KafkaError, TimeoutError) as error:
        return f"{host}:{port} {_reason(error, options)}"
    return None


def _reason(error: BaseException, options: dict[str, Any]) -> str:
    match error:
        case ssl.SSLError():
            return _tls_reason(error)
        case KafkaConnectionError(__cause__=ssl.SSLError() as alert):  # in TLS 1.3 a client is refused after it is in
            return _tls_reason(alert)
        case SaslAuthenticationFailed():
            return "refuses TENURE_KAFKA_USERNAME with TENURE_KAFKA_PASSWORD"
        case UnsupportedSaslMechanismError():
            return f"does not take {options.get('sasl_mechanism')}: TENURE_KAFKA_SASL_MECHANISM does not fit"
        case TimeoutError():
            return f"does not answer within {ANSWER_S:.0f} s"
        case socket.gaierror():
            return "has a name that is not known"
        case OSError(errno=int() as number):
            return f"cannot be reached: {os.strerror(number).lower()}"
        case _:  # ended without a word, as a broker does to whoever comes unencrypted or without credentials
            return "ends the connection: TENURE_KAFKA_SECURITY or a certificate may not fit"


def _tls_reason(error: ssl.SSLError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"shows a certificate that is not trusted: {error.verify_message.rstrip('.')}"
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST" | "RECORD_LAYER_FAILURE"):
            return "does not speak TLS: TENURE_KAFKA_SECURITY does not fit"
        case ssl.SSLError(reason=str() as reason) if OUR_CERTIFICATE.search(reason):
            return f"does not take our certificate, or wants one ({_words(reason)}): TENURE_KAFKA_CERT_FILE"
        case _:
            return f"ends TLS: {_words(error.reason or str(error))}"


def _words(reason: str) -> str:
    return PROTOCOL.sub("", reason).replace("_", " ").lower()

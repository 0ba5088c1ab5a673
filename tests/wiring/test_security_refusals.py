"""Who is not let in hears why, in one sentence without a secret; tried on peers that end a connection early enough for
that to need no broker."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from pymongo.errors import OperationFailure, PyMongoError

from shared.connections import KafkaConnection, MongoConnection
from shared.kafka_client import client_options
from shared.kafka_refusals import start, why_unreachable
from shared.mongo import close, connect, sentence
from tests.certificates import HOST, Authority, Certificate

Serve = Callable[[ssl.SSLContext | None], Awaitable[str]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a peer that ends every connection as soon as it stands; answers its host:port."""
    async with AsyncExitStack() as stack:

        async def started(context: ssl.SSLContext | None) -> str:
            server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0, ssl=context)
            await stack.enter_async_context(server)
            return f"{HOST}:{server.sockets[0].getsockname()[1]}"

        yield started


def showing(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.both)
    return context


def trusting(authority: Authority, address: str) -> KafkaConnection:
    settings = {"kafka": address, "kafka_security": "tls", "kafka_ca_file": authority.file}
    return KafkaConnection.model_validate(settings)


@pytest.mark.parametrize(
    ("host", "expired", "stranger", "expected"),
    [
        (HOST, True, False, "shows a certificate that is not trusted: certificate has expired"),
        (HOST, False, True, "shows a certificate that is not trusted: unable to get local issuer certificate"),
        ("elsewhere.example", False, False, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
)
async def test_a_certificate_of_kafka_that_is_not_right_is_named(
    authority: Authority, tmp_path: Path, serve: Serve, host: str, expired: bool, stranger: bool, expected: str
) -> None:
    issuer = Authority(tmp_path / "stranger") if stranger else authority
    address = await serve(showing(issuer.issue("broker", host, expired=expired)))
    reason = await why_unreachable(trusting(authority, address))
    assert reason is not None
    assert reason.startswith(f"{address} shows a certificate that is not trusted: ")
    assert expected in reason


async def test_a_peer_without_tls_is_named(authority: Authority, serve: Serve) -> None:
    async def greets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 not what you think\r\n" * 4)
        await writer.drain()

    async with await asyncio.start_server(greets, HOST, 0) as server:
        address = f"{HOST}:{server.sockets[0].getsockname()[1]}"
        reason = await why_unreachable(trusting(authority, address))
    assert reason == f"{address} does not speak TLS: TENURE_KAFKA_SECURITY does not fit"


async def test_a_peer_that_hangs_up_is_named(serve: Serve) -> None:
    address = await serve(None)
    assert f"{address} ends the connection: TENURE_KAFKA_SECURITY or a certificate may not fit" == (
        await why_unreachable(address)
    )


async def test_of_several_brokers_each_is_named() -> None:
    reason = await why_unreachable("127.0.0.1:1,127.0.0.2:1")
    assert reason == (
        "127.0.0.1:1 cannot be reached: connection refused; 127.0.0.2:1 cannot be reached: connection refused"
    )


async def test_a_client_that_cannot_start_says_why(authority: Authority, serve: Serve) -> None:
    kafka = trusting(authority, await serve(showing(authority.issue("broker", expired=True))))
    producer = AIOKafkaProducer(**client_options(kafka))
    with pytest.raises(KafkaConnectionError, match="certificate has expired"):
        await start(producer, kafka)
    await producer.stop()


async def test_a_certificate_of_mongodb_that_has_expired_is_named(authority: Authority, serve: Serve) -> None:
    address = await serve(showing(authority.issue("database", expired=True)))
    settings = {"mongo": f"mongodb://{address}/?directConnection=true", "mongo_ca_file": authority.file}
    client = connect(MongoConnection.model_validate(settings), timeout_s=0.5)
    with pytest.raises(PyMongoError) as caught:
        await client.admin.command("ping")
    await close(client)
    said = sentence(caught.value)
    assert "certificate has expired" in said
    assert "Topology" not in said


def test_a_wrong_password_of_mongodb_is_one_sentence() -> None:
    details = {"ok": 0.0, "errmsg": "Authentication failed.", "code": 18, "codeName": "AuthenticationFailed"}
    error = OperationFailure("Authentication failed.", 18, details)
    assert sentence(error) == "MongoDB refuses the user or the password; see TENURE_MONGO"


async def test_a_certificate_that_is_replaced_counts_for_the_next_client(authority: Authority, tmp_path: Path) -> None:
    kafka = trusting(authority, f"{HOST}:1")
    authority.file.write_text("half a fi")
    with pytest.raises(OSError, match="TENURE_KAFKA_CA_FILE: has no certificate"):
        client_options(kafka)
    authority.file.write_bytes(Authority(tmp_path / "next").file.read_bytes())
    assert client_options(kafka)["ssl_context"] is not None

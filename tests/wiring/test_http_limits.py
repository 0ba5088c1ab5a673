"""Every HTTP door has a limit for what a peer may say and for the time it may take; whoever is beyond is told so."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from deploy.local.servers import free_ports
from shared import http_protocol
from shared.crowd import AtMost
from shared.door import door
from shared.health import Health
from shared.http_protocol import MAX_ADDRESS_BYTES, MAX_HEAD_BYTES, MAX_HEADERS, BoundedProtocol, most_connections

HOST = "127.0.0.1"
GET = b"GET /v1/x HTTP/1.1\r\nhost: x\r\n"


@dataclass
class Peer:
    """Whoever is at the other end, byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """All that comes until the door closes the connection."""
        async with asyncio.timeout(20):
            return await self.reader.read()

    async def problem(self) -> tuple[int, str]:
        """Status and code of the one answer that came before the connection was closed."""
        head, _, body = (await self.rest()).partition(b"\r\n\r\n")
        assert b"content-type: application/problem+json" in head.lower()
        assert b"connection: close" in head.lower()
        return int(head.split()[1]), json.loads(body)["code"]


@dataclass
class Opened:
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def peer(self, first: bytes = b"") -> Peer:
        peer = Peer(*await asyncio.open_connection(HOST, self.port))
        await peer.say(first)
        return peer

    async def get(self, path: str = "/v1/x", **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=20) as client:
            return await client.get(path, **more)


async def service(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers without a look at the body."""
    await PlainTextResponse("here")(scope, receive, send)


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    (port,) = free_ports(1)
    async with door("gateway", Health(stalled_after_s=60), HOST, port) as entrance:
        entrance.open(service)
        yield Opened(port)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of a moment."""
    monkeypatch.setattr(BoundedProtocol, "head_s", 0.2)
    monkeypatch.setattr(BoundedProtocol, "rest_s", 0.2)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("first", [b"G", GET, GET + b"x-slow: "], ids=["a letter", "no end", "half a header"])
async def test_a_head_that_does_not_come_is_not_waited_for(opened: Opened, first: bytes) -> None:
    assert (408, "too-slow") == await (await opened.peer(first)).problem()


@pytest.mark.usefixtures("short")
async def test_a_head_that_trickles_in_gains_no_time(opened: Opened) -> None:
    peer, sent = await opened.peer(GET), 0
    while not peer.reader.at_eof() and sent < 200:
        try:
            async with asyncio.timeout(0.02):
                assert b"408" in await peer.reader.read(1024)
                break
        except TimeoutError:
            await peer.say(b"x-more: 1\r\n")
            sent += 1
    assert 1 < sent < 100


@pytest.mark.usefixtures("short")
async def test_who_connects_and_says_nothing_is_left(opened: Opened) -> None:
    assert b"" == await (await opened.peer()).rest()


@pytest.mark.usefixtures("short")
async def test_after_an_answer_the_next_head_has_its_own_time(opened: Opened) -> None:
    peer = await opened.peer(GET + b"\r\n" + GET)
    said = await peer.rest()
    assert said.startswith(b"HTTP/1.1 200")
    assert b"here" in said
    assert said.endswith(b'"problems":[]}')


@pytest.mark.usefixtures("short")
async def test_the_rest_of_a_body_that_nobody_wants_is_not_waited_for(opened: Opened) -> None:
    peer = await opened.peer(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nbeginning")
    said = await peer.rest()
    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(b"here")


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400, "invalid-http"),
        (b"GET /v1/x HTTP/1.1\r\nno header\r\n\r\n", 400, "invalid-http"),
        (GET + b"content-length: 5\r\ncontent-length: 6\r\n\r\n", 400, "invalid-http"),
        (GET + b"x-large: " + b"x" * (MAX_HEAD_BYTES + 1), 431, "head-too-large"),
        (b"x" * (MAX_HEAD_BYTES + 1), 431, "head-too-large"),
    ],
    ids=["TLS", "no header", "two lengths", "a header without end", "an address without end"],
)
async def test_what_is_no_request_is_answered_and_closed(opened: Opened, raw: bytes, status: int, code: str) -> None:
    assert (status, code) == await (await opened.peer(raw)).problem()


@pytest.mark.parametrize("path", ["/v1/x", "/metrics", "/livez"])
async def test_a_large_head_is_refused_also_if_it_comes_at_once(opened: Opened, path: str) -> None:
    large = await opened.get(path, headers={"x-large": "x" * MAX_HEAD_BYTES})
    many = await opened.get(path, headers={f"x-{n}": "1" for n in range(MAX_HEADERS + 1)})
    assert [(431, "head-too-large")] * 2 == [(answer.status_code, answer.json()["code"]) for answer in (large, many)]


async def test_a_long_address_is_refused(opened: Opened) -> None:
    answer = await opened.get("/v1/x", params={"type": "x" * MAX_ADDRESS_BYTES})
    assert (414, "address-too-long") == (answer.status_code, answer.json()["code"])
    assert 200 == (await opened.get("/v1/x", params={"type": "x" * (MAX_ADDRESS_BYTES - 100)})).status_code


async def test_there_are_only_so_many_connections_and_one_that_ends_makes_room(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "MOST_CONNECTIONS", 3)
    peers = [await opened.peer(b"G") for _ in range(3)]
    assert (503, "busy") == await (await opened.peer()).problem()
    peers[0].writer.close()
    await peers[0].writer.wait_closed()
    async with asyncio.timeout(20):
        while (await opened.get()).status_code != 200:
            pass


def test_connections_leave_files_for_kafka_and_mongodb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    assert 896 == most_connections()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert 10_000 == most_connections()


async def test_an_app_works_on_so_many_requests_at_once_and_answers_the_others_at_once() -> None:
    arrived, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.release()
        await go_on.wait()
        await service(scope, receive, send)

    transport = httpx.ASGITransport(AtMost(slow, requests=2))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        two = [asyncio.create_task(client.get("/")) for _ in range(2)]
        await arrived.acquire()
        await arrived.acquire()
        third = await client.get("/")
        go_on.set()
        assert [200, 200] == [(await task).status_code for task in two]
        assert (503, "busy", "5") == (third.status_code, third.json()["code"], third.headers["Retry-After"])
        assert 200 == (await client.get("/")).status_code


async def test_a_request_that_fails_makes_room_too() -> None:
    async def fails(*_: object) -> None:
        raise ValueError("a bug")

    app, scope = AtMost(fails, requests=1), {"type": "http"}
    for _ in range(3):
        with pytest.raises(ValueError, match="a bug"):
            await app(scope, None, None)  # type: ignore[arg-type]

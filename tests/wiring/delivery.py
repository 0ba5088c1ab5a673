"""A delivery over a topic in memory, behind the door of every process, and readers that connect to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from deploy.local.servers import free_ports
from services.delivery.app import create_app
from services.delivery.message import ENDED
from services.delivery.readers import Readers
from services.delivery.settings import Settings
from shared.door import door
from shared.health import Health
from shared.keys import MemoryKeyStore, Scope, issue
from shared.memory_broker import MemoryBroker
from shared.topics import ALERTS
from shared.whole_topic import MemoryTopic
from tests.unit.delivery import AS_OF, event_fields, message

WITHIN_S = 20.0
PARTITIONS = 3
STREAM = "/v1/alerts/stream"
Event = dict[str, str]


class Reader:
    """One open stream, read event by event."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._blocks = self._split()
        self.last_id = ""

    async def block(self) -> Event:
        """The next, be it a message, the first one, or a sign of life. Raises StopAsyncIteration at the end."""
        async with asyncio.timeout(WITHIN_S):
            fields = event_fields((await anext(self._blocks)).encode())
        self.last_id = fields.get("id", self.last_id)
        return fields

    async def event(self) -> Event:
        """The next that a browser would show."""
        while "data" not in (fields := await self.block()):
            pass
        return fields

    async def data(self, count: int) -> list[bytes]:
        return [(await self.event())["data"].encode() for _ in range(count)]

    async def rest(self) -> list[Event]:
        """Until the stream ends."""
        events: list[Event] = []
        while True:
            try:
                events.append(await self.event())
            except StopAsyncIteration:
                return events

    async def _split(self) -> AsyncIterator[str]:
        waiting = ""
        async for text in self.response.aiter_text():
            waiting += text
            *blocks, waiting = waiting.split("\n\n")
            for block in blocks:
                yield block


@dataclass
class Time:
    """Seconds that pass when the test says so."""

    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Delivery:
    """`key` may read."""

    topic: MemoryTopic
    keys: MemoryKeyStore
    readers: Readers
    address: str
    key: str
    client: httpx.AsyncClient
    time: "Time"
    at_work: AsyncExitStack
    written: list[bytes] = field(default_factory=list)

    def write(self, count: int = 1, *, partition: int | None = None, **said: Any) -> list[bytes]:
        """To the partitions in turn."""
        new = []
        for _ in range(count):
            number = len(self.written)
            value = message(subject=f"customer-{number}", **said)
            self.topic.append(number % PARTITIONS if partition is None else partition, value)
            self.written.append(value)
            new.append(value)
        return new

    @asynccontextmanager
    async def reading(self, *, headers: dict[str, str] | None = None, **query: Any) -> AsyncIterator[Reader]:
        """Read up to the first line: from then on nothing is missed."""
        asked = {name.rstrip("_"): value for name, value in query.items()}
        async with self.client.stream("GET", STREAM, params=asked, headers=headers) as response:
            assert response.status_code == 200, (await response.aread()).decode()
            reader = Reader(response)
            await reader.block()
            yield reader

    async def all_read(self) -> None:
        """Until the process has read all there is."""
        assert await self.readers.live.reached(self.topic.end())

    def stop(self) -> "asyncio.Task[None]":
        """As the process does when it is asked to."""
        return asyncio.create_task(self.at_work.aclose())


@asynccontextmanager
async def delivering(*, already: int = 0, **knobs: Any) -> AsyncIterator[Delivery]:
    """`already`: messages that were there before the process was."""
    broker = MemoryBroker()
    broker.create_topic(ALERTS, PARTITIONS)
    async with process(MemoryTopic(broker, ALERTS), already=already, **knobs) as delivery:
        yield delivery


@asynccontextmanager
async def process(topic: MemoryTopic, *, already: int = 0, **knobs: Any) -> AsyncIterator[Delivery]:
    settings = Settings(**knobs)
    own, text = issue("crm", [Scope.READ], [], created=AS_OF)
    now = Time()
    keys, readers = MemoryKeyStore(own), Readers(topic, settings, monotonic=now.monotonic)
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {text}"}
    async with (
        door("delivery", Health(stalled_after_s=60), "127.0.0.1", port) as entrance,
        httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=WITHIN_S) as client,
    ):
        at_work = AsyncExitStack()
        delivery = Delivery(topic, keys, readers, address, text, client, now, at_work)
        delivery.write(already)
        async with at_work:
            await at_work.enter_async_context(readers.at_work())
            entrance.open(create_app(readers, settings, keys, monotonic=now.monotonic))
            yield delivery


def is_farewell(event: Event) -> bool:
    return event["event"] == ENDED

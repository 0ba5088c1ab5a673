"""Every implementation of a seam under one fixture: what its suite says holds for all of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import pytest

from shared.broker import DatingPublisher, Position, Record, TopicPartition
from shared.checkpoints import CheckpointStore
from shared.event_store import EventStore
from shared.memory_broker import MemoryBroker, MemoryReader
from shared.memory_checkpoints import MemoryCheckpoints
from shared.memory_store import MemoryEventStore
from shared.mongo import Database, close, connect, durable
from shared.mongo_checkpoints import MongoCheckpoints
from shared.mongo_store import MongoEventStore
from tests.contract.on_kafka import OnKafka
from tests.platforms import BROKER_FIXTURES, platform_on

MEMORY = "memory"
URL_FIXTURES = {"nx-27017": "database_url", "mongodb": "mongodb_url"}


@dataclass
class Clock:
    """Epoch seconds, moved by the test."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=[MEMORY, *URL_FIXTURES])
def backend(request: pytest.FixtureRequest) -> str:
    """`memory`, or the URL of a server."""
    return MEMORY if request.param == MEMORY else str(request.getfixturevalue(URL_FIXTURES[request.param]))


@pytest.fixture
async def database(backend: str) -> AsyncIterator[Database | None]:
    """An empty database; None for what lives in memory."""
    if backend == MEMORY:
        yield None
        return
    client = connect(backend)
    name = f"test_{uuid4().hex}"
    yield durable(client, name)
    await client.drop_database(name)
    await close(client)


@pytest.fixture
async def store(database: Database | None, clock: Clock) -> EventStore:
    if database is None:
        return MemoryEventStore(clock=clock)
    mongo = MongoEventStore(database, clock=clock)
    await mongo.prepare()
    return mongo


@pytest.fixture
async def checkpoints(database: Database | None) -> CheckpointStore:
    if database is None:
        return MemoryCheckpoints()
    mongo = MongoCheckpoints(database)
    await mongo.prepare()
    return mongo


class Reader(Position, Protocol):
    """A member of a group, with its records."""

    async def fetch(self, max_records: int) -> Sequence[Record]:
        """What comes next; waits a moment where that takes one. Empty only if there is nothing more."""


class BrokerUnderTest(Protocol):
    """What the broker's suite needs of an implementation beside the seam itself."""

    async def topic(self, partitions: int) -> str:
        """The name of a new, empty topic."""

    async def publisher(self) -> DatingPublisher: ...

    async def reader(self, group: str, topic: str) -> Reader:
        """A new member that has all partitions, reading from what is committed."""

    async def take_over(self, reader: Reader) -> Reader:
        """Another member has all of them now; `reader` has not been told."""

    async def records(self, partition: TopicPartition) -> Sequence[Record]:
        """Everything in it, in order of offset."""


class InMemory:
    def __init__(self) -> None:
        self._broker = MemoryBroker()
        self._groups: dict[int, tuple[str, str]] = {}

    async def topic(self, partitions: int) -> str:
        name = f"topic-{uuid4().hex}"
        self._broker.create_topic(name, partitions)
        return name

    async def publisher(self) -> DatingPublisher:
        return self._broker.publisher()

    async def reader(self, group: str, topic: str) -> MemoryReader:
        reader = self._broker.join(group, f"member-{len(self._groups)}", [topic])
        self._groups[id(reader)] = (group, topic)
        return reader

    async def take_over(self, reader: Reader) -> MemoryReader:
        return await self.reader(*self._groups[id(reader)])

    async def records(self, partition: TopicPartition) -> Sequence[Record]:
        return self._broker.records(*partition)


@pytest.fixture(params=[MEMORY, *BROKER_FIXTURES])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[BrokerUnderTest]:
    if request.param == MEMORY:
        yield InMemory()
        return
    async with AsyncExitStack() as stack:
        address = request.getfixturevalue(BROKER_FIXTURES[request.param])
        yield OnKafka(platform_on(request.param, address), stack)

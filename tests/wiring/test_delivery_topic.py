"""A topic can be read whole, from any place, by many at once: in memory and on a broker alike."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import uuid4

import pytest
from aiokafka.errors import OffsetOutOfRangeError

from services.delivery.place import Place, reaches
from shared.broker import Outgoing, Record, TopicPartition
from shared.kafka_publisher import KafkaPublisher, kafka_publisher
from shared.kafka_topics import ensure_topics
from shared.kafka_whole_topic import KafkaTopic
from shared.memory_broker import MemoryBroker
from shared.profile import ProfileName
from shared.settings import Platform
from shared.topics import ALERTS, Topic
from shared.whole_topic import MemoryTopic, Reading, WholeTopic
from tests.platforms import BROKER_FIXTURES, platform_on

PARTITIONS = 2


class Written(Protocol):
    """A topic that can be written to."""

    @property
    def topic(self) -> WholeTopic: ...

    async def write(self, partition: int, *values: bytes) -> None: ...


class InMemory:
    def __init__(self) -> None:
        broker = MemoryBroker()
        broker.create_topic(ALERTS, PARTITIONS)
        self.topic = MemoryTopic(broker, ALERTS)

    async def write(self, partition: int, *values: bytes) -> None:
        for value in values:
            self.topic.append(partition, value)


class OnKafka:
    def __init__(self, platform: Platform, name: str, publisher: KafkaPublisher) -> None:
        self._name, self._publisher = name, publisher
        self.topic = KafkaTopic(platform, name)

    async def write(self, partition: int, *values: bytes) -> None:
        await self._publisher.publish([[Outgoing(self._name, partition, b"key", value)] for value in values])


@asynccontextmanager
async def on_kafka(platform: Platform) -> AsyncIterator[OnKafka]:
    name = f"topic-{uuid4().hex}"
    await ensure_topics(platform, [Topic(name, "of one test")])
    async with kafka_publisher(platform) as publisher:
        yield OnKafka(platform, name, publisher)


@pytest.fixture(params=["memory", *BROKER_FIXTURES])
async def written(request: pytest.FixtureRequest) -> AsyncIterator[Written]:
    if request.param == "memory":
        yield InMemory()
        return
    address = request.getfixturevalue(BROKER_FIXTURES[request.param])
    async with on_kafka(platform_on(request.param, address)) as kafka:
        yield kafka


async def read_up_to(reading: Reading, goal: Place) -> list[Record]:
    place, records = [0] * PARTITIONS, list[Record]()
    async with asyncio.timeout(30):
        while not reaches(place, goal):
            for record in await reading.read():
                place[record.partition] = record.offset + 1
                records.append(record)
    return records


def values(records: Sequence[Record], partition: int) -> list[bytes | None]:
    return [record.value for record in records if record.partition == partition]


async def test_everything_comes_in_order_from_the_place_on(written: Written) -> None:
    many = [str(number).encode() for number in range(450)]
    await written.write(0, *many)
    await written.write(1, b"a", b"b")
    async with written.topic.reading((5, 1)) as reading:
        records = await read_up_to(reading, (450, 2))
    assert (many[5:], [b"b"]) == (values(records, 0), values(records, 1))


async def test_a_record_larger_than_what_is_fetched_ahead_is_read(written: Written) -> None:
    large = b"x" * 1_000_000
    await written.write(0, b"a", large, b"b")
    async with written.topic.reading((0, 0)) as reading:
        assert [b"a", large, b"b"] == values(await read_up_to(reading, (3, 0)), 0)


async def test_what_comes_later_is_read_too(written: Written) -> None:
    async with written.topic.reading((0, 0)) as reading:
        await written.write(1, b"a")
        assert [b"a"] == values(await read_up_to(reading, (0, 1)), 1)
        await written.write(1, b"b")
        assert [b"b"] == values(await read_up_to(reading, (0, 2)), 1)


async def test_two_readings_know_nothing_of_one_another(written: Written) -> None:
    await written.write(0, b"a", b"b")
    async with written.topic.reading((0, 0)) as one, written.topic.reading((1, 0)) as other:
        assert [b"a", b"b"] == values(await read_up_to(one, (2, 0)), 0)
        assert [b"b"] == values(await read_up_to(other, (2, 0)), 0)


async def test_it_is_known_when_the_end_is_reached(written: Written) -> None:
    await written.write(0, b"a", b"b")
    async with written.topic.reading((0, 0)) as reading:
        assert not await reading.caught_up()
        await read_up_to(reading, (2, 0))
        async with asyncio.timeout(30):
            while not await reading.caught_up():
                await reading.read()
        unread = await reading.unread()
    assert [2, 0] == [place.offset for place in unread.values()]


async def test_the_bounds_are_known_without_reading(written: Written) -> None:
    await written.write(1, b"a")
    async with written.topic.reading((0, 0)) as reading:
        await read_up_to(reading, (0, 1))
        assert reaches((0, 1), await reading.ends())  # the embedded broker's answer may be short
    first, ends = await written.topic.bounds()
    assert ((0, 0), True) == (first, reaches((0, 1), ends))


async def test_a_place_beyond_the_end_is_an_error_and_no_other_place(platform: Platform) -> None:
    if platform.profile is ProfileName.EMBEDDED:
        pytest.skip("the embedded broker answers such a fetch with nothing")
    async with on_kafka(platform) as written:
        await written.write(0, b"a")
        async with written.topic.reading((10**6, 0)) as reading, asyncio.timeout(30):
            with pytest.raises(OffsetOutOfRangeError):
                await read_up_to(reading, (1, 0))


async def test_a_record_shown_late_is_read_again_in_its_order(platform: Platform) -> None:
    async with on_kafka(platform) as written:
        await written.write(0, b"a", b"b", b"c")
        async with written.topic.reading((0, 0)) as reading:
            reading._consumer.seek(next(p for p in reading._partitions if p.partition == 0), 1)
            records = await read_up_to(reading, (3, 0))
    assert [b"a", b"b", b"c"] == values(records, 0)
    assert {TopicPartition(record.topic, record.partition).partition for record in records} == {0}

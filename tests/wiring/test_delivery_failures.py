"""Where the topic cannot be read, readers are told, and a process that can do no better says so."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka.errors import KafkaConnectionError, OffsetOutOfRangeError

from services.delivery.place import Place, write_place
from shared.broker import Record, TopicPartition
from shared.health import Health, Watched
from shared.kafka import Unread
from shared.memory_broker import MemoryBroker
from shared.topics import ALERTS
from shared.whole_topic import MemoryReading, MemoryTopic
from tests.wiring.delivery import PARTITIONS, STREAM, WITHIN_S, Delivery, process


class Troubled(MemoryTopic):
    """Readings fail from the moment that `trouble` is set: those that are under way, and new ones."""

    def __init__(self) -> None:
        broker = MemoryBroker()
        broker.create_topic(ALERTS, PARTITIONS)
        super().__init__(broker, ALERTS)
        self.trouble: Exception | None = None

    @asynccontextmanager
    async def reading(self, start: Place) -> AsyncIterator[MemoryReading]:
        self.refuse()
        yield TroubledReading(self, start)

    def refuse(self) -> None:
        if self.trouble is not None:
            raise self.trouble


class TroubledReading(MemoryReading):
    def __init__(self, topic: Troubled, start: Place) -> None:
        super().__init__(topic, start)
        self._troubled = topic

    async def read(self) -> Sequence[Record]:
        records = await super().read()
        self._troubled.refuse()
        return records

    async def ends(self) -> Place:
        self._troubled.refuse()
        return await super().ends()

    async def unread(self) -> Mapping[TopicPartition, Unread]:
        self._troubled.refuse()
        return await super().unread()


def watched(delivery: Delivery) -> Health:
    health = Health(stalled_after_s=60)
    health.phase = None
    health.watched = [Watched("delivery", delivery.readers.live, consumption=None)]
    return health


async def test_a_process_at_work_is_alive_and_ready_and_knows_what_it_has_not_read() -> None:
    async with process(Troubled(), already=5) as delivery:
        health = watched(delivery)
        await health.look()
        assert ([], []) == (health.dead(), health.busy())
        places = health.watched[0].places.values()
        assert [2, 2, 1] == [place.unread.offset for place in places]


async def test_while_kafka_is_away_it_is_not_ready_and_not_dead() -> None:
    topic = Troubled()
    async with process(topic) as delivery:
        health = watched(delivery)
        topic.trouble = KafkaConnectionError()
        await health.look()
        assert [] == health.dead()
        (reason,) = health.busy()
        assert "Kafka does not answer" in reason


async def test_a_process_whose_reading_has_ended_wants_to_be_replaced() -> None:
    topic = Troubled()
    async with process(topic) as delivery:
        health = watched(delivery)
        topic.trouble = OffsetOutOfRangeError()
        delivery.write()
        async with asyncio.timeout(WITHIN_S):
            while not health.dead():
                await health.look()
        (reason,) = health.dead()
        assert "OffsetOutOfRangeError" in reason


async def test_a_reader_whose_catching_up_fails_is_told_where_it_stands() -> None:
    topic = Troubled()
    async with process(topic, already=100, recent_messages=3) as delivery:
        topic.trouble = KafkaConnectionError()
        async with delivery.reading(from_="beginning") as reader:
            (farewell,) = await reader.rest()
    assert {"reason": "catch-up-failed", "resume": write_place((0, 0, 0))} == json.loads(farewell["data"])


async def test_an_id_that_cannot_be_looked_up_at_the_moment_is_not_called_wrong() -> None:
    topic = Troubled()
    async with process(topic) as delivery:
        topic.trouble = KafkaConnectionError()
        answer = await delivery.client.get(STREAM, params={"last_event_id": write_place((0, 0, 7))})
    assert (503, "not-caught-up") == (answer.status_code, answer.json()["code"])

"""The seam to a topic that is read whole: without a group, from any place, by as many readers as like.

Implemented by `MemoryTopic` and `kafka_whole_topic`, held to one suite. The promise: every record from the place on
comes once and in order of offset, partition by partition. A place is a vector: for each partition the next offset.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from shared.broker import Record, TopicPartition
from shared.kafka import Unread
from shared.memory_broker import MemoryBroker

Place = tuple[int, ...]  # by partition


def reaches(place: Sequence[int], goal: Sequence[int]) -> bool:
    """Whether nothing before the goal is missing."""
    return all(own >= wanted for own, wanted in zip(place, goal, strict=True))


class Reading(Protocol):
    """One reader of the topic. Its methods raise KafkaError, OSError or TimeoutError."""

    async def read(self) -> Sequence[Record]:
        """What comes next; waits a moment if there is nothing, and may answer with nothing."""

    async def caught_up(self) -> bool:
        """Whether everything that was there at the last look has been read."""

    async def ends(self) -> Place:
        """Behind the last record of each partition, as the broker says; it may be a little behind the truth."""

    async def unread(self) -> Mapping[TopicPartition, Unread]: ...


class WholeTopic(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...

    async def bounds(self) -> tuple[Place, Place]:
        """The first record of each partition, and behind the last. Raises KafkaError, OSError or TimeoutError."""

    def reading(self, start: Place) -> AbstractAsyncContextManager[Reading]: ...


class MemoryTopic:
    def __init__(self, broker: MemoryBroker, name: str, *, max_records: int = 100) -> None:
        self.name = name
        self._broker, self._max_records = broker, max_records
        self._news = asyncio.Event()

    @property
    def partitions(self) -> int:
        return len(self._broker.partitions(self.name))

    def append(self, partition: int, value: bytes) -> None:
        self._broker.append(self.name, partition, b"key", value)
        self._news.set()
        self._news = asyncio.Event()

    async def bounds(self) -> tuple[Place, Place]:
        return (0,) * self.partitions, self.end()

    @asynccontextmanager
    async def reading(self, start: Place) -> AsyncIterator["MemoryReading"]:
        yield MemoryReading(self, start)

    def end(self) -> Place:
        return tuple(map(self._broker.highwater, self._broker.partitions(self.name)))

    def records(self, place: Sequence[int]) -> list[Record]:
        """The next, at most `max_records` of each partition."""
        partitions = self._broker.partitions(self.name)
        return [r for tp in partitions for r in self._broker.read(tp, place[tp.partition], self._max_records)]

    async def news(self) -> None:
        await self._news.wait()


class MemoryReading:
    def __init__(self, topic: MemoryTopic, start: Place) -> None:
        self._topic, self._place = topic, list(start)

    async def read(self) -> Sequence[Record]:
        while not (records := self._topic.records(self._place)):
            await self._topic.news()
        for record in records:
            self._place[record.partition] = record.offset + 1
        return records

    async def caught_up(self) -> bool:
        return tuple(self._place) == self._topic.end()

    async def ends(self) -> Place:
        return self._topic.end()

    async def unread(self) -> Mapping[TopicPartition, Unread]:
        return {
            TopicPartition(self._topic.name, number): Unread(own, end - own)
            for number, (own, end) in enumerate(zip(self._place, self._topic.end(), strict=True))
        }

"""A whole topic on Kafka: partitions assigned by hand, nothing ever committed, so nobody's position moves."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from shared.broker import Record, TopicPartition
from shared.contiguity import Contiguity, RecordsSkipped
from shared.kafka import Unread
from shared.kafka_client import client_options
from shared.kafka_records import read_any_header
from shared.settings import Platform
from shared.whole_topic import Place, reaches

MAX_RECORDS = 200  # of one answer: it is decoded, and handed to a reader, in one go
PARTITION_FETCH_BYTES = 256 * 1024  # what the client fetches ahead, for each partition of each reading
WAIT_MS = 1_000
LOOK_TIMEOUT_S = 5.0


class KafkaTopic:
    def __init__(self, platform: Platform, name: str, *, partitions: int | None = None) -> None:
        """`partitions`: as many as a topic with customer keys has, unless said otherwise."""
        self.name = name
        self._platform = platform
        self._partitions = [KafkaPartition(name, number) for number in range(partitions or platform.partitions)]

    @property
    def partitions(self) -> int:
        return len(self._partitions)

    async def bounds(self) -> tuple[Place, Place]:
        async with self._consumer() as consumer, asyncio.timeout(LOOK_TIMEOUT_S):
            first = await consumer.beginning_offsets(self._partitions)
            ends = await consumer.end_offsets(self._partitions)
        return tuple(first[tp] for tp in self._partitions), tuple(ends[tp] for tp in self._partitions)

    @asynccontextmanager
    async def reading(self, start: Place) -> AsyncIterator["KafkaReading"]:
        async with self._consumer() as consumer:
            yield KafkaReading(consumer, self._partitions, start)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        read_any_header()
        consumer = AIOKafkaConsumer(
            **client_options(self._platform),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",  # a place that is not there must not become another one
            fetch_max_wait_ms=self._platform.deployment.fetch_wait_ms,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
        )
        try:
            await consumer.start()
            consumer.assign(self._partitions)
            yield consumer
        finally:
            await consumer.stop()


class KafkaReading:
    """A Reading. A broker may show a record later than the one behind it: what was passed over is read again."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: Sequence[KafkaPartition], start: Place) -> None:
        self._consumer, self._partitions = consumer, partitions
        self._next = {TopicPartition(*tp): offset for tp, offset in zip(partitions, start, strict=True)}
        self._contiguity = Contiguity()
        self._go_back()

    async def read(self) -> Sequence[Record]:
        batches = await self._consumer.getmany(timeout_ms=WAIT_MS, max_records=MAX_RECORDS)
        records: list[Record] = [record for batch in batches.values() for record in batch]
        try:
            self._contiguity.check(records)
        except RecordsSkipped:
            self._go_back()
            return []
        for record in records:
            self._next[TopicPartition(record.topic, record.partition)] = record.offset + 1
        return records

    async def caught_up(self) -> bool:
        """By the mark that comes with what is fetched; the embedded broker's answer about the end may be short."""
        marks = [self._consumer.highwater(tp) for tp in self._partitions]
        if None in marks:
            return False
        return reaches([await self._consumer.position(tp) for tp in self._partitions], marks)

    async def ends(self) -> Place:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            ends = await self._consumer.end_offsets(self._partitions)
        return tuple(ends[tp] for tp in self._partitions)

    async def unread(self) -> Mapping[TopicPartition, Unread]:
        ends = await self.ends()
        return {
            tp: Unread(offset, max(0, end - offset)) for (tp, offset), end in zip(self._next.items(), ends, strict=True)
        }

    def _go_back(self) -> None:
        self._contiguity.restart(self._next)
        for tp, offset in self._next.items():
            self._consumer.seek(KafkaPartition(*tp), offset)

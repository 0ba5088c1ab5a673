"""How does a command read a topic? Without a group, so that it moves nobody's position: to the end, or from there.

The end is the highwater mark that comes with what is fetched; the embedded broker's `end offsets` can be short.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cli.errors import UNASKED, CliError
from shared.broker import Record, TopicPartition
from shared.kafka_client import Kafka, address_of, client_options
from shared.kafka_refusals import start

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer
    from aiokafka import TopicPartition as KafkaPartition

FETCH_WAIT_MS = 100
SILENCE_S = 15.0  # so long without an answer, and the broker has gone
MAX_PARTITION_FETCH_BYTES = 16 * 1024 * 1024  # a dead letter may have 8 MiB


async def read_to_end(kafka: Kafka, topics: Collection[str], take: Callable[[Record], None]) -> None:
    """Every record that is there now, in order of offset per partition. A topic that does not exist has none."""
    partitions = await partitions_of(kafka, topics)
    if not partitions:
        return
    async with _consumer(kafka, partitions) as consumer:
        await consumer.seek_to_beginning(*partitions)
        ends: dict[object, int] = {}
        complete = _Complete()
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while partitions:
            got = await consumer.getmany(*partitions, timeout_ms=FETCH_WAIT_MS)
            for partition, records in got.items():
                for record in complete.of(partition, records):
                    take(record)
                if (again := complete.missing(partition)) is not None:
                    consumer.seek(partition, again)
            fresh = {p: mark for p in partitions if p not in ends and (mark := consumer.highwater(p)) is not None}
            ends |= fresh
            heard = loop.time() if got or fresh else heard
            if loop.time() - heard > SILENCE_S:
                raise CliError(
                    f"The broker at {address_of(kafka)} does not answer: see `tenure local status`.", UNASKED
                )
            partitions = [p for p in partitions if p not in ends or await consumer.position(p) < ends[p]]


class _Complete:
    """A broker may show a record later than the one behind it: what was passed over is asked for again, once."""

    def __init__(self) -> None:
        self._next: dict[object, int] = {}
        self._asked: set[tuple[object, int]] = set()
        self._missing: dict[object, int] = {}

    def of(self, partition: object, records: Iterable[Record]) -> Iterator[Record]:
        """The records up to the first hole."""
        self._missing.pop(partition, None)
        for record in records:
            place = partition, self._next.get(partition, record.offset)
            if record.offset > place[1] and place not in self._asked:
                self._asked.add(place)
                self._missing[partition] = place[1]
                return
            self._next[partition] = record.offset + 1
            yield record

    def missing(self, partition: object) -> int | None:
        """Where to read again; none: nothing was passed over."""
        return self._missing.get(partition)


async def read_from_now(kafka: Kafka, topic: str) -> AsyncGenerator[Record, None]:
    """Every record that comes from now on, without end. Raises CliError if there is no such topic."""
    partitions = await partitions_of(kafka, [topic])
    if not partitions:
        raise CliError(f"There is no topic {topic} at {address_of(kafka)}: is a deployment up there?", UNASKED)
    async with _consumer(kafka, partitions) as consumer:
        await consumer.seek_to_end()
        for partition in partitions:
            await consumer.position(partition)  # only now is the place known from which nothing is missed
        async for record in consumer:
            yield record


async def committed_offsets(kafka: Kafka, group: str, topics: Collection[str]) -> dict[TopicPartition, int]:
    """How far a group has committed, without becoming a member of it: the next offset it would read."""
    from aiokafka import AIOKafkaConsumer

    partitions = await partitions_of(kafka, topics)
    consumer = AIOKafkaConsumer(**client_options(kafka), group_id=group, enable_auto_commit=False)
    try:
        await start(consumer, kafka)
        offsets = await asyncio.gather(*map(consumer.committed, partitions))
    finally:
        await consumer.stop()
    return {TopicPartition(*tp): offset or 0 for tp, offset in zip(partitions, offsets, strict=True)}


@asynccontextmanager
async def _consumer(kafka: Kafka, partitions: "Collection[KafkaPartition]") -> "AsyncIterator[AIOKafkaConsumer]":
    from aiokafka import AIOKafkaConsumer

    from shared.kafka_records import read_any_header

    read_any_header()
    consumer = AIOKafkaConsumer(
        **client_options(kafka),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=MAX_PARTITION_FETCH_BYTES,
    )
    try:
        await start(consumer, kafka)
        consumer.assign(partitions)
        yield consumer
    finally:
        await consumer.stop()


async def partitions_of(kafka: Kafka, topics: Collection[str]) -> "list[KafkaPartition]":
    """Of those topics that exist."""
    from aiokafka import TopicPartition as KafkaPartition
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        await start(admin, kafka)
        known = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    finally:
        await admin.close()
    return [KafkaPartition(topic, number) for topic in topics for number in range(known.get(topic, 0))]

"""How records reach Kafka: whole groups, in order, one produce batch under way per partition, acknowledged by all.

In: groups of records, each of one topic and partition. Out: nothing but the return, which says that all of them are
acknowledged by all replicas in sync. A reader never sees half a group, and nothing is sent for a partition after a
failure there. After any failure the producer is thrown away: an idempotent one may refuse all that follows a hole in
its numbers.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from shared.broker import Outgoing, PublishUnknown, TopicPartition
from shared.kafka_client import client_options
from shared.kafka_refusals import start
from shared.settings import Platform
from shared.telemetry import PUBLISH_FAILURES, RECORDS_PUBLISHED
from shared.topics import DEAD_LETTER_MAX_BYTES, TOPICS

log = structlog.get_logger()

MAX_BATCH_BYTES = 1024 * 1024  # Apache Kafka's default limit of a batch is 1,048,588
RECORDS_PER_PRODUCER = 1_000_000_000  # aiokafka counts wrongly beyond 2^31 in one partition
CLOSE_TIMEOUT_S = 5.0
BATCH_OVERHEAD = 61  # header of a record batch, Kafka protocol
LARGER_TOPICS = frozenset(topic.name for topic in TOPICS if "max.message.bytes" in topic.config)

Group = Sequence[Outgoing]


class Times(NamedTuple):
    """Of a produce batch, in milliseconds. `by_broker`: -1 where the broker kept ours."""

    by_broker: int
    by_us: int


UNKNOWN = Times(-1, -1)


class GroupTooLarge(ValueError):  # noqa: N818 - it names what is wrong with the argument
    """A group that the topic cannot take as a whole. Raised before anything is sent."""


class KafkaPublisher:
    """A Publisher. May be shared: concurrent calls take turns in each partition, and never mix."""

    def __init__(self, platform: Platform, *, records_per_producer: int = RECORDS_PER_PRODUCER) -> None:
        self._platform, self._records_per_producer = platform, records_per_producer
        self._records = 0  # sent by the present producer
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._lanes: defaultdict[TopicPartition, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def publish(self, groups: Sequence[Group]) -> None:
        """Raises GroupTooLarge before anything is sent, PublishUnknown after."""
        await self._publish(groups)

    async def date(self, record: Outgoing) -> int:
        """The broker's time of it, or ours where the broker takes that."""
        [(by_broker, by_us)] = await self._publish([[record]])
        if by_broker < 0 and not self._platform.deployment.trusts_record_times:
            raise PublishUnknown("the broker has the record and has not said its time")
        return by_us if by_broker < 0 else by_broker

    async def _publish(self, groups: Sequence[Group]) -> list[Times]:
        batches = plan(groups)
        producer = None
        try:
            async with asyncio.timeout(self._platform.publish_timeout_s):
                producer = await self._ready()
                async with asyncio.TaskGroup() as tasks:
                    lanes = [tasks.create_task(self._send(producer, *planned)) for planned in batches.items()]
                return [task.result() for task in lanes]
        except (TimeoutError, KafkaError, OSError, ExceptionGroup) as error:
            PUBLISH_FAILURES.inc()
            await self._discard(producer)
            raise PublishUnknown(_reason(error)) from error
        except asyncio.CancelledError:
            await self._discard(producer)
            raise

    async def close(self) -> None:
        await self._discard(self._producer)

    async def _send(self, producer: AIOKafkaProducer, lane: TopicPartition, batches: Sequence[Group]) -> Times:
        times = UNKNOWN
        async with self._lanes[lane]:
            for records in batches:
                if self._producer is not producer:
                    raise ProducerClosed  # another caller's failure ended it while we waited
                try:
                    times = await self._send_batch(producer, lane, records)
                except BaseException:
                    self._retire(
                        producer
                    )  # before the lane is free: whoever waits for it must not send behind the failure
                    raise
                self._records += len(records)
                RECORDS_PUBLISHED.labels(lane.topic).inc(len(records))
        return times

    async def _send_batch(self, producer: AIOKafkaProducer, lane: TopicPartition, records: Group) -> Times:
        batch, now_ms = producer.create_batch(), int(time.time() * 1000)
        for record in records:
            added = batch.append(key=record.key, value=record.value, timestamp=now_ms, headers=list(record.headers))
            assert added is not None, "the plan keeps every batch within its limit"
        batch.close()
        acknowledged = await (await producer.send_batch(batch, lane.topic, partition=lane.partition))
        return Times(acknowledged.timestamp, now_ms)

    async def _ready(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._records >= self._records_per_producer:
                await self._discard(self._producer)
            if self._producer is None:
                producer = AIOKafkaProducer(**producer_options(self._platform))
                try:
                    await start(producer, self._platform)
                except BaseException:
                    await _close(producer)
                    raise
                self._producer, self._records = producer, 0
            return self._producer

    def _retire(self, producer: AIOKafkaProducer | None) -> None:
        if self._producer is producer:
            self._producer = None

    async def _discard(self, producer: AIOKafkaProducer | None) -> None:
        self._retire(producer)
        if producer is not None:
            await _close(producer)


@asynccontextmanager
async def kafka_publisher(platform: Platform) -> AsyncIterator[KafkaPublisher]:
    """Connects with the first record, so that a process can start before Kafka answers."""
    publisher = KafkaPublisher(platform)
    try:
        yield publisher
    finally:
        await publisher.close()


def producer_options(platform: Platform) -> dict[str, Any]:
    return {
        **client_options(platform),
        "acks": "all",
        "enable_idempotence": platform.deployment.idempotent_producer,
        "compression_type": platform.deployment.compression,
        "max_batch_size": MAX_BATCH_BYTES,
        "request_timeout_ms": round(platform.publish_timeout_s * 1000),
    }


def plan(groups: Sequence[Group]) -> dict[TopicPartition, list[list[Outgoing]]]:
    """Produce batches per partition, in order, each of whole groups. Raises GroupTooLarge."""
    plans: dict[TopicPartition, list[list[Outgoing]]] = {}
    room: dict[TopicPartition, int] = {}
    for group in groups:
        if not group:
            continue
        lane, size = _lane(group), sum(map(size_of, group))
        _check(lane, group, size)
        if lane not in plans or size > room[lane]:
            plans.setdefault(lane, []).append([])
            room[lane] = MAX_BATCH_BYTES - BATCH_OVERHEAD
        plans[lane][-1].extend(group)
        room[lane] -= size
    return plans


def size_of(record: Outgoing) -> int:
    """Upper bound of the bytes that a record takes in a batch, before compression."""
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(record.key, record.value, list(record.headers))
    return int(size) - BATCH_OVERHEAD


def _lane(group: Group) -> TopicPartition:
    first = group[0]
    if any((record.topic, record.partition) != (first.topic, first.partition) for record in group):
        raise ValueError("a group of records has one topic and partition")
    return TopicPartition(first.topic, first.partition)


def _check(lane: TopicPartition, group: Group, size: int) -> None:
    # A batch takes its first record whatever its size, so a dead letter larger than a batch travels alone.
    limit = DEAD_LETTER_MAX_BYTES if len(group) == 1 and lane.topic in LARGER_TOPICS else MAX_BATCH_BYTES
    if size + BATCH_OVERHEAD > limit:
        raise GroupTooLarge(
            f"{len(group)} records of {size} bytes for {lane.topic}/{lane.partition}; at most {limit} go together"
        )


def _reason(error: BaseException) -> str:
    causes: Collection[BaseException] = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return "; ".join(repr(cause) for cause in causes)


async def _close(producer: AIOKafkaProducer) -> None:
    """Waits a little for what is on the wire; the rest is unknown anyway."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await producer.stop()
    except (TimeoutError, KafkaError, OSError) as error:
        log.warning("producer_closed_hard", error=repr(error))

"""How records come from Kafka: one group member per reader, batches as the client fetched them, explicit commits.

In: topics, a group, and a Consumption that handles. Out: nothing; what is committed is what the Consumption commits.
FastStream runs the loop; everything in it that could lose or skip a record is switched off here, and only here.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    UnknownMemberIdError,
)
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.middlewares import AckPolicy
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.broker import OwnershipLost, Position, Record, TopicPartition
from shared.connections import KafkaConnection, SaslMechanism
from shared.kafka_client import CLIENT_ID
from shared.kafka_records import read_any_header
from shared.kafka_refusals import why_unreachable
from shared.settings import Platform
from shared.telemetry import BATCH_SECONDS, RECORDS_CONSUMED

FETCH_WAIT_MS = 20  # an idle reader looks again after this long; the default of 200 costs 75 ms of latency
# Fetched ahead of each partition: about a batch. The client hands out all it has of one partition before the next
# one's, so with much more, whoever is far behind leaves the last partitions unread for minutes.
BYTES_PER_RECORD, LEAST_BYTES = 1024, 512 * 1024
COMMIT_TIMEOUT_S = 20.0  # aiokafka retries a commit without limit
LOOK_TIMEOUT_S = 5.0

TOPIC = attrgetter("topic")
T = TypeVar("T")


class Consumes(Protocol):
    """What is driven by the group: `shared.consumption.Consumption`."""

    async def assigned(self, position: Position, partitions: Collection[TopicPartition]) -> None: ...
    async def revoked(self) -> None: ...
    async def deliver(self, position: Position, records: Sequence[Record]) -> None: ...


def kafka_broker(platform: Platform, *, grace_s: float) -> KafkaBroker:
    """Readers only: no producer, no topic made, no record looked into. `grace_s`: for the batch in flight at stop."""
    read_any_header()
    return KafkaBroker(
        platform.kafka.split(","),
        client_id=CLIENT_ID,
        security=security_of(platform),
        consumer_only=True,
        allow_auto_create_topics=False,  # else a missing topic is made with one partition and one replica
        apply_types=False,
        graceful_timeout=grace_s,
        logger=logging.getLogger("faststream"),
        log_level=logging.DEBUG,
    )


def security_of(kafka: KafkaConnection) -> BaseSecurity:
    """What `shared.kafka_client.security_options` says, in the words of FastStream."""
    context = kafka.kafka_tls()
    if not kafka.kafka_security.authenticates or kafka.kafka_username is None or kafka.kafka_password is None:
        return BaseSecurity(ssl_context=context)
    kinds = {
        SaslMechanism.SCRAM_SHA_512: SASLScram512,
        SaslMechanism.SCRAM_SHA_256: SASLScram256,
        SaslMechanism.PLAIN: SASLPlaintext,
    }
    kind = kinds[kafka.kafka_sasl_mechanism]
    return kind(username=kafka.kafka_username, password=kafka.kafka_password.get_secret_value(), ssl_context=context)


def consume(
    broker: KafkaBroker,
    topics: Sequence[str],
    *,
    group: str,
    consumption: Consumes,
    platform: Platform,
    max_records: int,
) -> "Reader":
    """Adds one member of a group. All topics in one subscriber: only so has a customer one owner in all of them."""
    reader = Reader(consumption, why=partial(why_unreachable, platform))
    timings = platform.deployment
    subscriber = broker.subscriber(
        *topics,
        group_id=group,
        batch=True,
        max_records=max_records,
        batch_timeout_ms=FETCH_WAIT_MS,
        max_partition_fetch_bytes=max(LEAST_BYTES, max_records * BYTES_PER_RECORD),
        fetch_max_wait_ms=timings.fetch_wait_ms,
        ack_policy=AckPolicy.MANUAL,  # the others commit what failed, or read it again without a pause
        auto_offset_reset="earliest",  # a new partition or a lost offset must not skip what is there
        partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=timings.session_timeout_ms,
        heartbeat_interval_ms=timings.heartbeat_ms,
        rebalance_timeout_ms=timings.rebalance_timeout_ms,
        max_poll_interval_ms=timings.max_poll_interval_ms,
        listener=reader,
        parser=_whole_batch,
        decoder=_records,
    )

    @subscriber
    async def deliver(records: Any) -> None:  # Any: FastStream would build a model of whatever type is named here
        await reader.deliver(records)

    reader.bind(lambda: subscriber.consumer)
    return reader


class Unread(NamedTuple):
    """The next offset to be read, and how many records are there from it on."""

    offset: int
    lag: int
    paused: bool = False


class Reader(ConsumerRebalanceListener):  # type: ignore[misc]
    """One member of a group: its listener, where its batches arrive, and what is to be known of its health."""

    def __init__(self, consumption: Consumes, *, why: Callable[[], Awaitable[str | None]]) -> None:
        """`why`: what keeps us from the broker, if anything does."""
        self._consumption, self._why = consumption, why
        self._consumer: Callable[[], AIOKafkaConsumer | None] = lambda: None
        self.position = KafkaPosition(self._current)
        self.joined = False  # has an assignment, be it empty, that the handler has loaded

    def bind(self, consumer: Callable[[], AIOKafkaConsumer | None]) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Collection[KafkaPartition]) -> None:
        self.joined = False
        await self._consumption.revoked()

    async def on_partitions_assigned(self, assigned: Collection[KafkaPartition]) -> None:
        await self._consumption.assigned(self.position, {TopicPartition(*tp) for tp in assigned})
        self.joined = True

    async def deliver(self, records: Sequence[Record]) -> None:
        with BATCH_SECONDS.time():
            await self._consumption.deliver(self.position, records)
        for topic, count in Counter(map(TOPIC, records)).items():
            RECORDS_CONSUMED.labels(topic).inc(count)

    def broken(self) -> str | None:
        """Why this member will never read again; none while it can. FastStream would go on asking it for ever."""
        consumer = self._consumer()
        if consumer is None or consumer._coordinator is None:  # not there before the consumer has been started
            return None
        tasks = {"coordinator": consumer._coordinator._coordination_task, "fetcher": consumer._fetcher._fetch_task}
        return next((f"the {name} of the reader has ended" for name, task in tasks.items() if task.done()), None)

    async def unread(self) -> dict[TopicPartition, Unread]:
        """Of every assigned partition. Asks the broker, because what a consumer knows of a partition's end stands still
        when its fetching does. Raises KafkaError, OwnershipLost."""
        consumer = self._current()
        partitions, paused = list(consumer.assignment()), consumer.paused()
        if not partitions:
            return {}
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                ends = await consumer.end_offsets(partitions)
                places = {tp: await consumer.position(tp) for tp in partitions}
        except (KafkaError, TimeoutError) as error:
            raise KafkaConnectionError(await self._why() or repr(error)) from error
        return {
            TopicPartition(*tp): Unread(places[tp], max(0, ends[tp] - places[tp]), tp in paused) for tp in partitions
        }

    def _current(self) -> AIOKafkaConsumer:
        consumer = self._consumer()
        if consumer is None:
            raise OwnershipLost("this reader does not run")
        return consumer


class KafkaPosition:
    """A Position over an aiokafka consumer, whose own exceptions for a lost membership are many."""

    def __init__(self, consumer: Callable[[], AIOKafkaConsumer]) -> None:
        self._consumer = consumer

    def assignment(self) -> Collection[TopicPartition]:
        return {TopicPartition(*tp) for tp in self._consumer().assignment()}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Raises OwnershipLost; TimeoutError or KafkaError when it is unknown whether it was committed."""
        own = {KafkaPartition(*tp): offset for tp, offset in offsets.items()}
        await _owned(self._committed(own))

    async def rewind(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """To the committed offset, 0 included, which aiokafka's own `seek_to_committed` passes over."""
        own = self._owned_of(partitions)
        return await _owned(self._rewound(own)) if own else {}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        for own in self._owned_of([partition]):
            self._consumer().seek(own, offset)

    def pause(self, *partitions: TopicPartition) -> None:
        self._consumer().pause(*self._owned_of(partitions))

    def resume(self, *partitions: TopicPartition) -> None:
        self._consumer().resume(*self._owned_of(partitions))

    def _owned_of(self, partitions: Collection[TopicPartition]) -> list[KafkaPartition]:
        """What the group has taken away meanwhile is the next owner's to steer."""
        return [KafkaPartition(*tp) for tp in partitions if tp in self._consumer().assignment()]

    async def _committed(self, offsets: Mapping[KafkaPartition, int]) -> None:
        async with asyncio.timeout(COMMIT_TIMEOUT_S):
            await self._consumer().commit(offsets)

    async def _rewound(self, partitions: Sequence[KafkaPartition]) -> dict[TopicPartition, int]:
        consumer = self._consumer()
        async with asyncio.timeout(COMMIT_TIMEOUT_S):
            offsets = await asyncio.gather(*map(consumer.committed, partitions))
        new = [tp for tp, offset in zip(partitions, offsets, strict=True) if offset is None]
        for tp, offset in zip(partitions, offsets, strict=True):
            if offset is not None:
                consumer.seek(tp, offset)
        if new:
            await consumer.seek_to_beginning(*new)
        async with asyncio.timeout(COMMIT_TIMEOUT_S):
            return {TopicPartition(*tp): await consumer.position(tp) for tp in partitions}


async def _owned(work: Awaitable[T]) -> T:
    try:
        return await work
    except (CommitFailedError, IllegalStateError, IllegalGenerationError, UnknownMemberIdError) as error:
        raise OwnershipLost(str(error)) from error


async def _whole_batch(records: Any, original: Any) -> KafkaMessage:
    """In place of FastStream's parser, which looks into the headers of every record."""
    parser = original.__self__
    first, last = records[0], records[-1]
    return KafkaMessage(
        body=records, raw_message=records, consumer=parser._consumer, message_id=f"{first.offset}-{last.offset}"
    )


async def _records(message: KafkaMessage, original: Any) -> Any:
    """In place of FastStream's decoder, which fails the whole batch for one record that is not JSON."""
    return message.raw_message

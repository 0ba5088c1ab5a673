"""A Kafka-protocol broker as the suite of brokers needs it: new topics, members of groups, and members that hang."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from shared.broker import DatingPublisher, Record, TopicPartition
from shared.kafka import KafkaPosition
from shared.kafka_client import client_options
from shared.kafka_publisher import kafka_publisher
from shared.kafka_topics import ensure_topics
from shared.settings import Platform
from shared.topics import Topic
from tests.platforms import SESSION_MS

FETCH_WAIT_MS = 3_000  # of a fetch that finds nothing


class KafkaReader(KafkaPosition):
    """A member of a group that reads by hand."""

    def __init__(self, consumer: AIOKafkaConsumer, group: str, topic: str) -> None:
        super().__init__(lambda: consumer)
        self.consumer, self.group, self.topic = consumer, group, topic

    async def fetch(self, max_records: int) -> Sequence[Record]:
        batches = await self.consumer.getmany(timeout_ms=FETCH_WAIT_MS, max_records=max_records)
        return [record for records in batches.values() for record in records]


class OnKafka:
    def __init__(self, platform: Platform, stack: AsyncExitStack) -> None:
        self._platform, self._stack = platform, stack
        self._readers: dict[int, KafkaReader] = {}

    async def topic(self, partitions: int) -> str:
        name = f"topic-{uuid4().hex}"
        await ensure_topics(self._platform.model_copy(update={"partitions": partitions}), [Topic(name, "of one test")])
        return name

    async def publisher(self) -> DatingPublisher:
        return await self._stack.enter_async_context(kafka_publisher(self._platform))

    async def reader(self, group: str, topic: str) -> KafkaReader:
        consumer = AIOKafkaConsumer(
            topic,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=SESSION_MS // 5,
            **client_options(self._platform),
        )
        self._stack.push_async_callback(consumer.stop)
        await consumer.start()
        reader = KafkaReader(consumer, group, topic)
        self._readers[id(reader)] = reader
        return reader

    async def take_over(self, reader: object) -> KafkaReader:
        """The old member hangs: it sends no heartbeat and hears of nothing, until its session is over."""
        old = self._readers[id(reader)]
        coordinator = old.consumer._coordinator
        coordinator._heartbeat_task.cancel()
        coordinator._coordination_task.cancel()
        return await self.reader(old.group, old.topic)

    async def records(self, partition: TopicPartition) -> Sequence[Record]:
        """The end is known after a fetch; the embedded broker's own answer may be short of it."""
        place = KafkaPartition(*partition)
        async with AIOKafkaConsumer(auto_offset_reset="earliest", **client_options(self._platform)) as consumer:
            consumer.assign([place])
            records: list[Record] = []
            while True:
                batches = await consumer.getmany(timeout_ms=300)
                records.extend(batches.get(place, ()))
                if not batches and consumer.highwater(place) is not None and len(records) >= consumer.highwater(place):
                    return records

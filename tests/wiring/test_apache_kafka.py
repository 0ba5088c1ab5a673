"""What Apache Kafka does and the embedded broker does not: it dates records, refuses some, and counts a producer's."""

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError, OutOfOrderSequenceNumber

from shared.broker import Outgoing, PublishUnknown, Record
from shared.kafka_client import client_options
from shared.kafka_publisher import kafka_publisher, producer_options
from shared.kafka_topics import config_of, ensure_topics
from shared.settings import Platform
from shared.topics import TOPICS, Topic
from tests.platforms import APACHE_KAFKA, platform_on
from tests.wiring.on_kafka import Kafka
from tests.wiring.recording import Recording

LOG_APPEND_TIME = 1  # `timestampType` of a record batch, Kafka protocol
NARROW = {"max.message.bytes": "1000"}
TOO_LARGE = random.Random(0).randbytes(5_000)  # nothing can compress it
A_YEAR = timedelta(days=365)


@pytest.fixture
def platform(apache_kafka_address: str) -> Platform:
    return platform_on(APACHE_KAFKA, apache_kafka_address)


@pytest.fixture
async def narrow(platform: Platform) -> str:
    """A topic that takes small records alone."""
    topic = f"topic-{uuid4().hex}"
    await ensure_topics(platform, [Topic(topic, "of one test", config=NARROW)])
    return topic


async def read(kafka: Kafka, count: int) -> Sequence[Record]:
    handler = Recording()
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == count)
    return [record for batch in handler.batches for record in batch]


async def test_a_record_has_the_brokers_time_whatever_its_sender_says(kafka: Kafka) -> None:
    now_s = time.time()
    async with AIOKafkaProducer(bootstrap_servers=kafka.platform.kafka) as producer:
        for sent_s in (now_s - A_YEAR.total_seconds(), now_s + A_YEAR.total_seconds()):
            await producer.send_and_wait(kafka.topic, b"x", partition=0, timestamp_ms=int(sent_s * 1000))
    records: Any = await read(kafka, 2)
    assert [LOG_APPEND_TIME] * 2 == [record.timestamp_type for record in records]
    assert all(now_s - 1 <= record.timestamp / 1000 <= time.time() + 1 for record in records)


async def test_after_a_record_that_the_broker_refused_publishing_goes_on(platform: Platform, narrow: str) -> None:
    async with kafka_publisher(platform) as publisher:
        await publisher.publish([[Outgoing(narrow, 0, None, b"before")]])
        with pytest.raises(PublishUnknown, match="MessageSizeTooLarge"):
            await publisher.publish([[Outgoing(narrow, 0, None, TOO_LARGE)]])
        await publisher.publish([[Outgoing(narrow, 0, None, b"after")]])
        values = [record.value for record in await read(Kafka(platform, narrow, publisher), 2)]
    assert [b"before", b"after"] == values


async def test_the_librarys_own_producer_would_fail_from_then_on(platform: Platform, narrow: str) -> None:
    """Why a publisher's producer is thrown away after any failure. Where this is red, the library has been mended."""
    async with AIOKafkaProducer(**producer_options(platform)) as producer:
        await producer.send_and_wait(narrow, b"small", partition=0)  # from now on the broker counts
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(narrow, TOO_LARGE, partition=0)
        for _ in range(2):
            with pytest.raises(OutOfOrderSequenceNumber):
                await producer.send_and_wait(narrow, b"small", partition=0)


async def test_every_topic_is_kept_as_its_table_says(platform: Platform) -> None:
    mark = uuid4().hex  # others have topics of the usual names here
    topics = [replace(topic, name=f"{topic.name}-{mark}") for topic in TOPICS]
    await ensure_topics(platform, topics)
    expected = {topic.name: config_of(platform, topic) for topic in topics}
    told = await told_by_the_broker(platform, list(expected))
    assert expected == {name: {key: told[name][key] for key in config} for name, config in expected.items()}


async def told_by_the_broker(platform: Platform, topics: Sequence[str]) -> dict[str, dict[str, str]]:
    """Topic -> its configuration."""
    admin = AIOKafkaAdminClient(**client_options(platform))
    try:
        await admin.start()
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in topics])
    finally:
        await admin.close()
    described = [resource for answer in answers for resource in answer.resources]
    return {name: {entry[0]: entry[1] for entry in entries} for _code, _message, _kind, name, entries in described}

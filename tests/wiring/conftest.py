"""What tests of the wiring share: the embedded broker, and a topic of one's own on it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from shared.kafka_publisher import kafka_publisher
from shared.kafka_topics import ensure_topics
from shared.settings import Platform
from shared.topics import Topic
from tests.embedded import embedded
from tests.wiring.on_kafka import Kafka


@pytest.fixture
def platform(broker_address: str) -> Platform:
    return embedded(broker_address)


@pytest.fixture
async def kafka(platform: Platform) -> AsyncIterator[Kafka]:
    topic = f"topic-{uuid4().hex}"
    await ensure_topics(platform, [Topic(topic, "of one test")])
    async with kafka_publisher(platform) as publisher:
        yield Kafka(platform, topic, publisher)

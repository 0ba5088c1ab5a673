"""What tests of the wiring share: a broker, the embedded one and Apache Kafka, and a topic of one's own on it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from shared.kafka_publisher import kafka_publisher
from shared.kafka_topics import ensure_topics
from shared.settings import Platform
from shared.topics import Topic
from tests.platforms import BROKER_FIXTURES, platform_on
from tests.wiring.on_kafka import Kafka


@pytest.fixture(params=list(BROKER_FIXTURES))
def platform(request: pytest.FixtureRequest) -> Platform:
    return platform_on(request.param, request.getfixturevalue(BROKER_FIXTURES[request.param]))


@pytest.fixture
async def kafka(platform: Platform) -> AsyncIterator[Kafka]:
    topic = f"topic-{uuid4().hex}"
    await ensure_topics(platform, [Topic(topic, "of one test")])
    async with kafka_publisher(platform) as publisher:
        yield Kafka(platform, topic, publisher)

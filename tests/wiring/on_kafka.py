"""A broker with a topic of one test, to send to and to read from as a service does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest

from shared.broker import Outgoing
from shared.consumption import Consumption
from shared.kafka import Reader, consume, kafka_broker
from shared.kafka_publisher import KafkaPublisher
from shared.settings import Platform
from tests.wiring.recording import Recording


@dataclass
class Kafka:
    """A broker, with one topic of this test."""

    platform: Platform
    topic: str
    publisher: KafkaPublisher

    async def send(self, *values: bytes, partition: int = 0) -> None:
        await self.publisher.publish([[Outgoing(self.topic, partition, b"key", value)] for value in values])

    @asynccontextmanager
    async def reading(self, handler: Recording, *, group: str = "", max_records: int = 500) -> AsyncIterator[Reader]:
        """One member, joined; a clean stop at the end."""
        broker = kafka_broker(self.platform, grace_s=10)
        consumption = Consumption(handler, sleep=asyncio.sleep, stop=pytest.fail)
        group = group or f"group-{uuid4().hex}"
        reader = consume(
            broker, [self.topic], group=group, consumption=consumption, platform=self.platform, max_records=max_records
        )
        try:
            await broker.start()
            yield reader
        finally:
            await broker.stop()

"""What does this process read of the topic, once, for all its readers?

It begins a little before the end, so that whoever was cut off by a restart is served from memory, and the process is
not ready before it has come to the end. Where reading ends by an error, the process leaves, and its supervisor starts
a fresh one: readers come back with their places, and lose nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from aiokafka.errors import KafkaError

from services.delivery.place import Place, reaches
from services.delivery.recent import Recent
from services.delivery.settings import Settings
from services.delivery.topic import AlertTopic, Reading
from shared.broker import OwnershipLost, TopicPartition
from shared.kafka import Unread
from shared.runtime import answered

REACH_S = 2.0  # a replica is at most a few moments behind another one


class Live:
    """`ring` is called whenever something new was read. A reader of the topic for `shared.health`."""

    def __init__(self, topic: AlertTopic, settings: Settings, *, ring: Callable[[], None]) -> None:
        self.topic, self._settings, self._ring = topic, settings, ring
        self.beginning: Place = (0,) * topic.partitions
        self.recent = self._kept_from(self.beginning)
        self.joined = False
        self._reading: Reading | None = None
        self._following: asyncio.Task[None] | None = None
        self._moved = asyncio.Condition()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Entered when the end of the topic is reached. Raises KafkaError, OSError or TimeoutError before that."""
        bounds: list[Place] = []

        async def look() -> None:
            bounds[:] = await self.topic.bounds()

        await answered("Kafka", look, errors=(KafkaError, OSError, TimeoutError))
        self.beginning, ends = bounds
        each = max(1, self._settings.recent_messages // self.topic.partitions)
        start = tuple(max(first, end - each) for first, end in zip(self.beginning, ends, strict=True))
        self.recent = self._kept_from(start)
        async with self.topic.reading(start) as self._reading:
            while not await self._reading.caught_up():
                await self._read(self._reading)
            self._following = asyncio.create_task(self._follow(self._reading))
            self.joined = True
            try:
                yield
            finally:
                self.joined = False
                self._following.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([self._following])

    async def reached(self, place: Place) -> bool:
        """Whether this process has read up to there, or does so in a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REACH_S), self._moved:
                await self._moved.wait_for(lambda: reaches(self.recent.place, place))
        return reaches(self.recent.place, place)

    async def ends(self) -> Place:
        """As the broker says. Raises KafkaError, OSError or TimeoutError."""
        if self._reading is None:
            raise TimeoutError("nothing is read")
        return await self._reading.ends()

    def broken(self) -> str | None:
        if self._following is None or not self._following.done() or self._following.cancelled():
            return None
        return f"reading the alerts has ended: {self._following.exception()!r}"

    async def unread(self) -> Mapping[TopicPartition, Unread]:
        if self._reading is None:
            raise OwnershipLost("nothing is read")
        return await self._reading.unread()

    async def _follow(self, reading: Reading) -> None:
        while True:
            await self._read(reading)

    async def _read(self, reading: Reading) -> None:
        records = await reading.read()
        if not records:
            return
        for record in records:
            self.recent.append(record.partition, record.offset, record.value)
        self._ring()
        async with self._moved:
            self._moved.notify_all()

    def _kept_from(self, start: Place) -> Recent:
        kept = self._settings
        return Recent(start, max_messages=kept.recent_messages, max_bytes=kept.recent_bytes)

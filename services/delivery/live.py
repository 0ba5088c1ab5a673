"""What does this process read of the topic, once, for all its readers?

It begins a little before the end, so that whoever was cut off by a restart is served from memory, and the process is
not ready before it has come to the end. Where reading ends by an error, the process leaves, and its supervisor starts
a fresh one: readers come back with their places, and lose nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from services.delivery.place import Place, reaches
from services.delivery.recent import Recent
from services.delivery.settings import Settings
from shared.broker import Record
from shared.follower import Follower
from shared.whole_topic import WholeTopic

REACH_S = 2.0  # a replica is at most a few moments behind another one


class Live(Follower):
    """`ring` is called whenever something new was read."""

    def __init__(self, topic: WholeTopic, settings: Settings, *, ring: Callable[[], None]) -> None:
        super().__init__(topic)
        self._settings, self._ring = settings, ring
        self.beginning: Place = (0,) * topic.partitions
        self.recent = self._kept_from(self.beginning)
        self._moved = asyncio.Condition()

    def begin(self, first: Place, ends: Place) -> Place:
        self.beginning = first
        each = max(1, self._settings.recent_messages // self.topic.partitions)
        start = tuple(max(first, end - each) for first, end in zip(first, ends, strict=True))
        self.recent = self._kept_from(start)
        return start

    async def take(self, records: Sequence[Record]) -> None:
        for record in records:
            self.recent.append(record.partition, record.offset, record.value)
        self._ring()
        async with self._moved:
            self._moved.notify_all()

    async def reached(self, place: Place) -> bool:
        """Whether this process has read up to there, or does so in a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REACH_S), self._moved:
                await self._moved.wait_for(lambda: reaches(self.recent.place, place))
        return reaches(self.recent.place, place)

    def _kept_from(self, start: Place) -> Recent:
        kept = self._settings
        return Recent(start, max_messages=kept.recent_messages, max_bytes=kept.recent_bytes)

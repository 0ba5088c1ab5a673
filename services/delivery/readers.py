"""Who reads at this process: seats for so many, news for all of them, and an orderly end.

A reader is *seated* before it is answered, so that a refusal has a status; the seat is free again when its connection
is over, in whichever way.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from aiokafka.errors import KafkaError

from services.delivery.catch_up import CatchUps
from services.delivery.course import Course
from services.delivery.figures import READERS
from services.delivery.live import Live
from services.delivery.place import Place, reaches
from services.delivery.settings import Settings
from services.delivery.stream import Stream
from services.delivery.wanted import Wanted
from shared.http import HttpProblem, unavailable
from shared.whole_topic import WholeTopic

log = structlog.get_logger()

FAREWELL_S = 4.0  # for the last words to all readers at a stop; then their connections are cut
FULL_RETRY_S = 30


class Readers:
    """All readers of one process, and what it reads for them."""

    def __init__(self, topic: WholeTopic, settings: Settings, *, monotonic: Callable[[], float]) -> None:
        self._settings, self._monotonic = settings, monotonic
        self._catch_ups = CatchUps(topic, at_once=settings.max_catch_ups)
        self._streams: set[Stream] = set()
        self._stopping = False
        self._empty = asyncio.Event()
        self._empty.set()
        self.live = Live(topic, settings, ring=self._ring)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with self.live.at_work():
            try:
                yield
            finally:
                await self._say_farewell()
                await self._catch_ups.close()

    async def seat(self, place: Place | None, wanted: Wanted, *, allowed: Callable[[], Awaitable[bool]]) -> Stream:
        """A stream from a place on; none: from now on. Raises HttpProblem; `leave` gives the seat back."""
        if place is not None:
            await self._look_for(place)
        if self._stopping:
            raise unavailable("stopping", "This process stops; another one, or the next, goes on.", retry_after_s=1)
        if len(self._streams) >= self._settings.max_readers:
            detail = f"This process serves {self._settings.max_readers} readers already; ask again, or another one."
            raise unavailable("too-many-readers", detail, retry_after_s=FULL_RETRY_S)
        recent = self.live.recent
        course = Course(recent, tuple(recent.place) if place is None else place, wanted)
        stream = Stream(
            course,
            self._catch_ups,
            allowed=allowed,
            keep_alive_s=self._settings.keep_alive_s,
            monotonic=self._monotonic,
        )
        self._streams.add(stream)
        self._empty.clear()
        READERS.set(len(self._streams))
        return stream

    def leave(self, stream: Stream) -> None:
        stream.close()
        self._streams.discard(stream)
        READERS.set(len(self._streams))
        if not self._streams:
            self._empty.set()

    async def emptied(self) -> None:
        """Returns when nobody reads."""
        await self._empty.wait()

    async def _look_for(self, place: Place) -> None:
        """Raises HttpProblem for a place that is not, or no longer, on the topic."""
        if not reaches(place, self.live.beginning):
            raise HttpProblem(
                410, "event-id-too-old", "What followed that id is not kept any more; use from=beginning."
            )
        if await self.live.reached(place):
            return
        try:
            ends = await self.live.ends()
        except (KafkaError, OSError, TimeoutError):
            raise unavailable("not-caught-up", "Kafka does not answer at the moment; ask again.") from None
        if reaches([max(*pair) for pair in zip(ends, self.live.recent.place, strict=True)], place):
            raise unavailable("not-caught-up", "This process has not read so far yet; ask again, or another one.")
        raise HttpProblem(
            400, "bad-event-id", "That id lies beyond the end of the alerts: it is of another deployment."
        )

    def _ring(self) -> None:
        for stream in self._streams:
            stream.ring()

    async def _say_farewell(self) -> None:
        """Returns when every reader has been told from where to go on, or does not take it."""
        self._stopping = True
        for stream in self._streams:
            stream.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self.emptied()
        if self._streams:
            log.info("readers_cut_off", readers=len(self._streams))

"""What goes over one reader's connection, from the first line to the last?

In: a course, and a bell that is rung when there may be something new. Out: chunks of server-sent events. Whatever ends
it, the reader has been told the id from which it goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum

import structlog

from services.delivery.catch_up import CatchUp, CatchUps
from services.delivery.course import Course
from services.delivery.figures import ENDED, SENT
from services.delivery.message import farewell, keep_alive, opening

log = structlog.get_logger()

RECHECK_S = 20.0  # between two looks whether the key still holds


class Reason(StrEnum):
    """Why a stream ended."""

    LEFT = "left"  # the reader went, or its connection broke; this one is counted, and told to nobody
    SLOW = "slow"
    STOPPING = "stopping"
    KEY_REVOKED = "key-revoked"
    CATCH_UP_FAILED = "catch-up-failed"


class Stream:
    """`allowed` says whether the reader's key still holds."""

    def __init__(
        self,
        course: Course,
        catch_ups: CatchUps,
        *,
        allowed: Callable[[], Awaitable[bool]],
        keep_alive_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._course, self._catch_ups = course, catch_ups
        self._allowed, self._keep_alive_s, self._monotonic = allowed, keep_alive_s, monotonic
        self._bell = asyncio.Event()
        self._catch_up: CatchUp | None = None
        self._ended: Reason | None = None
        self._checked = monotonic()
        self._counted = 0

    def ring(self) -> None:
        self._bell.set()

    def stop(self) -> None:
        """The process stops: the reader is told, and comes back to another one."""
        self._end(Reason.STOPPING)
        self.ring()

    async def chunks(self) -> AsyncIterator[bytes]:
        yield opening(self._course.resume)
        while True:
            await self._check()
            if self._ended:
                yield farewell(self._ended, self._course.resume)
                return
            chunk = await self._next()
            SENT.inc(self._course.delivered - self._counted)
            self._counted = self._course.delivered
            if chunk:
                yield chunk
            await asyncio.sleep(0)  # a reader with much to read must not keep the others waiting

    def close(self) -> None:
        """The connection is over. Nothing is awaited here: whoever calls may be cancelled already."""
        if self._course.overtaken:
            self._end(Reason.SLOW)
        ENDED.labels(self._ended or Reason.LEFT).inc()
        self._leave_catch_up()

    async def _next(self) -> bytes:
        """What there is, else what comes, else, after a while, a sign of life; nothing if the stream is to end."""
        try:
            async with asyncio.timeout(self._keep_alive_s):
                while True:
                    self._bell.clear()
                    if (events := self._at_hand()) or self._ended:
                        return b"".join(events)
                    await self._bell.wait()
        except TimeoutError:
            return keep_alive(self._course.resume)

    def _at_hand(self) -> list[bytes]:
        if self._course.overtaken:
            self._end(Reason.SLOW)
            return []
        if self._course.join():
            self._leave_catch_up()
            return self._course.live()
        return self._caught()

    def _caught(self) -> list[bytes]:
        """What was read for this reader alone. At the goal it begins anew if what is kept has moved on meanwhile."""
        if self._catch_up is None or self._catch_up.done:
            self._catch_up = self._catch_ups.begin(self._course.place, self._course.goal(), self.ring)
        if self._catch_up.failed:
            self._end(Reason.CATCH_UP_FAILED)
        events = self._course.take(self._catch_up.take())
        if self._course.join():
            self.ring()  # what is kept goes on from here
        return events

    def _leave_catch_up(self) -> None:
        if self._catch_up is not None:
            self._catch_up.leave()
            self._catch_up = None

    async def _check(self) -> None:
        if self._monotonic() - self._checked < RECHECK_S:
            return
        self._checked = self._monotonic()
        if not await self._allowed():
            self._end(Reason.KEY_REVOKED)

    def _end(self, reason: Reason) -> None:
        self._ended = self._ended or reason

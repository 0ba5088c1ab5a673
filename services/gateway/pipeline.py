"""How do many requests at once become few calls of the publisher, without loss of order and without growth?

In: the records of one request. Out: nothing, once all of them are acknowledged; else an error. Requests are sent in
the order in which they came, a request is never split over two calls, and one call is under way at a time. What waits
is bounded; what is beyond is refused at once. The worker lives only while there is work: nothing to start or stop.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from shared.broker import Outgoing, Publisher, PublishUnknown


class Full(Exception):  # noqa: N818 - the normal answer when the broker is slow
    """More is waiting already than can be promised to. Nothing of this request was sent."""


@dataclass(eq=False, slots=True)
class _Parcel:
    records: Sequence[Outgoing]
    alone: bool
    done: asyncio.Future[None]
    queued: bool = True


class Pipeline:
    def __init__(self, publisher: Publisher, *, max_waiting: int, at_once: int, answer_s: float) -> None:
        self._publisher = publisher
        self._max_waiting, self._at_once, self._answer_s = max_waiting, at_once, answer_s
        self._queue: deque[_Parcel] = deque()
        self._waiting = 0  # records in the queue
        self._worker: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Records that are not on their way yet."""
        return self._waiting

    async def send(self, records: Sequence[Outgoing], *, alone: bool = False) -> None:
        """Returns when all are acknowledged. `alone`: everything sent before is acknowledged, or given up, first.

        Raises Full (nothing was sent) or PublishUnknown (some may be in the log, now or later).
        """
        if self._waiting and self._waiting + len(records) > self._max_waiting:
            raise Full
        parcel = _Parcel(records, alone, asyncio.get_running_loop().create_future())
        self._queue.append(parcel)
        self._waiting += len(records)
        self._work()
        try:
            async with asyncio.timeout(self._answer_s):
                await parcel.done
        except TimeoutError:
            raise PublishUnknown(f"not acknowledged within {self._answer_s:g} s") from None
        finally:
            self._withdraw(parcel)

    def _work(self) -> None:
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._drain())

    def _withdraw(self, parcel: _Parcel) -> None:
        """Nobody waits for it any more; if it has not left yet, it does not leave."""
        if parcel.queued:
            self._queue.remove(parcel)
            self._waiting -= len(parcel.records)

    async def _drain(self) -> None:
        while self._queue:
            parcels = self._next()
            try:
                await self._publisher.publish([[record] for parcel in parcels for record in parcel.records])
            except Exception as error:  # it belongs to those who wait for it, and is raised there
                _settle(parcels, error)
            else:
                _settle(parcels, None)

    def _next(self) -> list[_Parcel]:
        """The oldest, and as many behind it as go with it."""
        parcels: list[_Parcel] = []
        room = self._at_once
        while self._queue:
            parcel = self._queue[0]
            if parcels and (parcel.alone or parcels[0].alone or len(parcel.records) > room):
                break
            parcels.append(self._queue.popleft())
            parcel.queued = False
            room -= len(parcel.records)
            self._waiting -= len(parcel.records)
        return parcels


def _settle(parcels: Sequence[_Parcel], error: Exception | None) -> None:
    for parcel in parcels:
        if parcel.done.done():
            continue  # its request gave up waiting
        if error is None:
            parcel.done.set_result(None)
        else:
            parcel.done.set_exception(error)

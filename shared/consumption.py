"""The consume loop around a handler: one call at a time, explicit commits, and what happens when anything goes wrong.

In: assignments and batches from the group. Out: calls of the handler, and commits of exactly what it says is done. The
promise: nothing is passed over. After any error, everything of this member is forgotten and read again from what is
committed; records that were fetched before such a restart are dropped, because they will come again. This is the only
place that catches Exception.
"""

import time
from asyncio import CancelledError, Lock
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import structlog

from shared.broker import Handler, OwnershipLost, Position, Record, TopicPartition
from shared.contiguity import Contiguity

log = structlog.get_logger()

Offsets = Mapping[TopicPartition, int] | None  # what may be committed: the next offset to read

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
MOST_FAILURES = 20  # in a row, about two minutes; then the process leaves, and its supervisor starts a fresh one


class Consumption:
    """Drives one handler for one member of a group. `stop` asks the process to leave the group and exit with an
    error."""

    def __init__(
        self,
        handler: Handler,
        *,
        sleep: Callable[[float], Awaitable[None]],
        stop: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handler = handler
        self._sleep, self._stop, self._now = sleep, stop, now
        self._lock = Lock()
        self._position: Position | None = None
        self._epoch = 0  # changes whenever what was fetched before must not be handled any more
        self.failures = 0  # in a row
        self._contiguity = Contiguity()
        self._paused: set[TopicPartition] = set()
        self.stopped = False
        self.batches = 0  # that were handed over, whatever became of them
        self.busy_since: float | None = None
        self.last_progress = now()

    async def assigned(self, position: Position, partitions: Collection[TopicPartition]) -> None:
        """The group gave us exactly these."""
        position.pause(*partitions)  # before any await: the client hands over records while this callback runs
        self._epoch += 1
        async with self._lock:
            self._position = position
            self.failures = 0
            await self._start_over()

    async def revoked(self) -> None:
        """Waits for the batch in flight; nothing is handled after it until the next assignment."""
        async with self._lock:
            self._epoch += 1
            self._position = None

    async def deliver(self, position: Position, records: Sequence[Record]) -> None:
        """Handles a batch and commits what the handler says. Never raises."""
        epoch = self._epoch
        async with self._lock:
            if epoch != self._epoch or self._position is None or self.stopped:
                return  # fetched before a restart: read again from what is committed

            async def work() -> Offsets:
                self._contiguity.check(records)
                return await self._handler.handle(records)

            await self._guarded(position, work)
            self.batches += 1

    async def exclusively(self, work: Callable[[], Awaitable[Offsets]]) -> None:
        """A periodic task (a sweep, a tick, a save) between two batches, with the same care; skipped while nothing is
        assigned."""
        async with self._lock:
            if self._position is not None and not self.stopped:
                await self._guarded(self._position, work)

    async def _guarded(self, position: Position, work: Callable[[], Awaitable[Offsets]]) -> None:
        self.busy_since = self._now()
        try:
            await self._attempt(position, work)
        except CancelledError:
            self.stopped = True  # half of it is done: whoever went on would save what has not been published
            raise
        finally:
            self.busy_since, self.last_progress = None, self._now()

    async def _attempt(self, position: Position, work: Callable[[], Awaitable[Offsets]]) -> None:
        try:
            done = await work()
            mine = set(position.assignment())
            if offsets := {tp: offset for tp, offset in (done or {}).items() if tp in mine}:
                await position.commit(offsets)
            self._steer()
            self.failures = 0
        except OwnershipLost as lost:
            log.info("ownership_lost", reason=str(lost))
            self._epoch += 1
            self._position = None  # the group will call `assigned` again
        except Exception as error:
            await self._recover(error)

    async def _recover(self, error: Exception) -> None:
        self.failures += 1
        log.warning("batch_failed", error=repr(error), failures=self.failures, exc_info=error)
        if self.failures >= MOST_FAILURES:
            self.stopped = True
            self._stop(f"{self.failures} failures in a row, the last: {error!r}")
            return
        await self._sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (self.failures - 1)))
        await self._start_over()

    async def _start_over(self) -> None:
        """Forget, load, and read on from where the handler says, else from what is committed."""
        position = self._position
        if position is None:
            return
        partitions = list(position.assignment())
        position.pause(*partitions)
        self._epoch += 1
        try:
            starts = dict(await self._handler.assigned({tp.partition for tp in partitions}))
            for tp, offset in starts.items():
                position.seek(tp, offset)
            starts |= await position.rewind([tp for tp in partitions if tp not in starts])
        except Exception as error:
            await self._recover(error)
            return
        self._epoch += 1
        self._contiguity.restart(starts)
        self._paused = set(partitions)
        self._steer()

    def _steer(self) -> None:
        """Pause what the handler wants no more of for now, resume the rest."""
        if self._position is None:
            return
        mine = set(self._position.assignment())
        wanted = set(self._handler.full()) & mine
        if start := (self._paused & mine) - wanted:
            self._position.resume(*start)
        if halt := wanted - self._paused:
            self._position.pause(*halt)
        self._paused = wanted

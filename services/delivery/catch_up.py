"""Who reads old messages from the topic, for readers that were away for longer than is kept in memory?

Each such reader has a reading of its own, at most so many at once; the others wait for their turn. What was read is
handed over a batch at a time, and the next one is read when that has been taken: a slow reader slows down nobody.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from services.delivery.figures import CATCHING_UP
from services.delivery.place import Place, reaches
from shared.broker import Record
from shared.whole_topic import WholeTopic

log = structlog.get_logger()

SILENCE_S = 15.0  # there are records up to the goal: so long without any, and the broker has gone


class CatchUp:
    """One reading, from a place up to a goal. `ring` is called when there is something new to be taken or known."""

    def __init__(self, start: Place, goal: Place, ring: Callable[[], None]) -> None:
        self._place, self._goal, self._ring = list(start), goal, ring
        self._records: Sequence[Record] = ()
        self._taken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.done = self.failed = False

    def take(self) -> Sequence[Record]:
        """What has been read since the last time, in order of offset per partition, nothing beyond the goal."""
        records, self._records = self._records, ()
        self._taken.set()
        return records

    def begin(self, topic: WholeTopic, turn: asyncio.Semaphore) -> asyncio.Task[None]:
        self._task = asyncio.create_task(self._run(topic, turn))
        self._task.add_done_callback(self._ended)
        return self._task

    def leave(self) -> None:
        """Nobody waits for it any more. What it holds is given back by its own task."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, topic: WholeTopic, turn: asyncio.Semaphore) -> None:
        async with turn:
            with CATCHING_UP.track_inprogress():
                await self._read(topic)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:  # whatever it is, it must not leave a reader waiting
            log.warning("catch_up_failed", error=repr(error))
        self.failed, self.done = error is not None, error is None
        self._ring()

    async def _read(self, topic: WholeTopic) -> None:
        async with topic.reading(tuple(self._place)) as reading:
            while not reaches(self._place, self._goal):
                async with asyncio.timeout(SILENCE_S):
                    while not (records := await reading.read()):
                        pass
                if wanted := [r for r in records if r.offset < self._goal[r.partition]]:
                    await self._hand_over(wanted)
                for record in records:
                    self._place[record.partition] = record.offset + 1

    async def _hand_over(self, records: Sequence[Record]) -> None:
        self._records = records
        self._taken.clear()
        self._ring()
        await self._taken.wait()


class CatchUps:
    def __init__(self, topic: WholeTopic, *, at_once: int) -> None:
        self._topic, self._turn = topic, asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, start: Place, goal: Place, ring: Callable[[], None]) -> CatchUp:
        catch_up = CatchUp(start, goal, ring)
        task = catch_up.begin(self._topic, self._turn)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return catch_up

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

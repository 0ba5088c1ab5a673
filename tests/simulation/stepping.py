"""Coroutines driven by hand: each runs until its next step, and the scheduler decides who goes on and who dies there.

No event loop, no threads, no clock: the same seed always takes the same course.
"""

from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any


@coroutine
def pause(step: str) -> Generator[str, None, None]:
    """Gives control back to the scheduler before `step`."""
    yield step


async def no_sleep(_: float) -> None:
    """Waiting is a step like any other: the scheduler decides how long it takes."""
    await pause("sleep")


class Task:
    """One coroutine under way."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self._work = work
        self.done = False

    def step(self) -> None:
        """Up to the next pause. An exception that the product lets through goes to the test."""
        try:
            self._work.send(None)
        except StopIteration:
            self.done = True

    def kill(self) -> None:
        """The process dies where it stands."""
        self._work.close()
        self.done = True


def run(work: Coroutine[Any, Any, Any]) -> None:
    """To its end, alone."""
    task = Task(work)
    while not task.done:
        task.step()


Spawn = Callable[[Coroutine[Any, Any, None]], None]

"""What is done to a deployment while a file is sent into it: one thing after another, evenly spread over the events."""

from collections.abc import Callable, Sequence

from cli.sending.run import Progress


class Interruptions:
    """To be told of the progress; each action is carried out in the sender's pause between two batches."""

    def __init__(self, events: int, actions: Sequence[Callable[[], object]]) -> None:
        self._events, self._actions, self._done = events, actions, 0

    def __call__(self, progress: Progress) -> None:
        if not self.over and progress.report.sent * (len(self._actions) + 1) >= self._events * (self._done + 1):
            self._done += 1
            self._actions[self._done - 1]()

    @property
    def over(self) -> bool:
        """Whether all has been done."""
        return self._done == len(self._actions)

"""Where a process is broken off: the steps of broker and store, counted."""


class Died(BaseException):
    """The process is gone where it stands: nobody in it catches this."""


class Steps:
    """A `Pause`. Ahead of the step of that number, from 0, `what` is raised, once."""

    def __init__(self, break_off: int | None = None, what: type[BaseException] = Died) -> None:
        self._break_off, self._what = break_off, what
        self.done: list[str] = []

    async def __call__(self, step: str) -> None:
        self.done.append(step)
        if len(self.done) - 1 == self._break_off:
            raise self._what(step)

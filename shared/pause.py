"""Where a coroutine may be stopped: the in-memory parts await a `Pause` before every step of the real ones.

A simulation passes its own and drives the coroutines by hand, so it decides which of them goes on, and which one dies
where it stands. Without one nothing waits: no event loop is needed or touched.
"""

from collections.abc import Awaitable, Callable

Pause = Callable[[str], Awaitable[None]]
"""Called with the name of the step that comes next, such as `append` or `append: stored`."""


async def go_on(step: str) -> None:
    """The pause that is none."""

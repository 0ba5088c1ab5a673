"""How long does a test wait for a server to answer, and what does it say when it does not?"""

import time
from collections.abc import Callable

LOOK_S = 0.05
STARTS_WITHIN_S = 60.0


def wait_until(condition: Callable[[], bool], what: str, *, within_s: float = STARTS_WITHIN_S) -> None:
    """Raises TimeoutError, which names `what` did not answer."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not answer within {within_s:g} s")
        time.sleep(LOOK_S)

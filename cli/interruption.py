"""What becomes of Ctrl-C, and of being told to end?

A signal's handler raises wherever the program stands. Inside a finaliser or the callback of a weak reference (a garbage
collection, the end of an import) Python prints what is raised and goes on as if nothing had happened: one Ctrl-C in a
few hundred, more under load, right after a deployment has been started. Here such a signal is sent once more.
"""

import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, Never

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

INTERRUPTED = 128 + signal.SIGINT  # as the shell says it
AGAIN_S = 0.02  # by then the callback has returned


def end_in_good_order() -> None:
    """SIGINT, SIGTERM, SIGHUP unwind every block of the main thread; SIGINT also where a script began this with `&`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)


def hear_what_was_lost() -> None:
    """Call once, in the main thread. Other exceptions that nobody can catch are told as before."""
    tell = sys.unraisablehook

    def hear(lost: "UnraisableHookArgs") -> None:
        number = _signal_of(lost.exc_value)
        if number is None:
            tell(lost)
        else:
            again = threading.Timer(AGAIN_S, signal.pthread_kill, (threading.main_thread().ident, number))
            again.daemon = True
            again.start()

    sys.unraisablehook = hear


def _exit(number: int, _: FrameType | None) -> Never:
    raise SystemExit(128 + number)


def _signal_of(error: BaseException | None) -> int | None:
    """Which signal was lost with this exception, None: it came from none."""
    match error:
        case KeyboardInterrupt():
            return signal.SIGINT
        case SystemExit(code=int() as code) if code > 128:
            return code - 128
        case _:
            return None

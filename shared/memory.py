"""What does a process do with its memory by itself, beside what Python does?

In: a moment that only the process knows: it has started, or a large state has been loaded. Out: less work for the
collector, less memory held for nothing. What the process computes is the same without.
"""

import gc
from ctypes import CDLL


def settle_memory() -> None:
    """What is there now stays: a collector that passes over it again and again costs up to a fifth of a batch."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def give_back_memory() -> None:
    """What has been freed, to the system. Unasked, glibc keeps large blocks between small ones for later: of a state
    that has just been loaded the bytes it was loaded from, as much again. Some milliseconds; without glibc nothing."""
    trim = getattr(CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

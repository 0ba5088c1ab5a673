"""How many there were in each of the last weeks, of many customers at once?

In: rings, or none of a customer who never did it. Out: what `Ring.recent` says of each, as a table; zeros where there
is none.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from services.analytics.pace import Table, Weeks
from services.analytics.state import RING_WEEKS, Ring

NOTHING = Ring(week=0)


def by_week(rings: Sequence[Ring | None], until: int) -> Weeks:
    """Before the week `until`; newest first."""
    known = [NOTHING if ring is None else ring for ring in rings]
    lengths = np.array([len(ring.ring) for ring in known])
    newest = until - 1 - np.array([ring.week for ring in known])  # how many weeks back a ring begins
    first = np.cumsum(lengths) - lengths
    numbers = _numbers(known, int(lengths.sum()))
    row, back = np.repeat(np.arange(len(known)), lengths), np.arange(len(numbers)) - np.repeat(first - newest, lengths)
    recent, total = np.zeros((len(known), RING_WEEKS)), np.array([float(ring.total) for ring in known])
    is_recent, is_later = (back >= 0) & (back < RING_WEEKS), back < 0
    recent[row[is_recent], back[is_recent]] = numbers[is_recent]
    if is_later.any():
        total -= np.bincount(row[is_later], numbers[is_later], len(known))
    return Weeks(recent, total)


def _numbers(rings: Sequence[Ring], length: int) -> Table:
    """One ring after another."""
    return np.fromiter(chain.from_iterable(ring.ring for ring in rings), dtype=np.float64, count=length)

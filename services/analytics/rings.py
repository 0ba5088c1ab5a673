"""How many there were in each of the last weeks, of many customers at once?

In: rings, or none of a customer who never did it. Out: a row for each; zeros where there is none.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from services.analytics.pace import Weeks
from services.analytics.state import RING_WEEKS, Ring


def by_week(rings: Sequence[Ring | None], until: int) -> Weeks:
    """Before the week `until`; newest first."""
    recent, total = np.zeros((len(rings), RING_WEEKS)), np.zeros(len(rings))
    known = [ring for ring in rings if ring is not None]
    if not known:
        return Weeks(recent, total)
    places = np.array([place for place, ring in enumerate(rings) if ring is not None])
    total[places] = [ring.total for ring in known]
    lengths = np.array([len(ring.ring) for ring in known])
    begins = until - 1 - np.array([ring.week for ring in known])  # so many weeks back; below zero: later than asked for
    numbers = np.fromiter(chain.from_iterable(ring.ring for ring in known), np.float64, count=lengths.sum())
    # All rings in one row: which customer's each number is, and of how many weeks back.
    row = np.repeat(places, lengths)
    back = np.arange(len(numbers)) + np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
    is_recent, is_later = (back >= 0) & (back < RING_WEEKS), back < 0
    recent[row[is_recent], back[is_recent]] = numbers[is_recent]
    if is_later.any():
        total -= np.bincount(row[is_later], numbers[is_later], len(rings))
    return Weeks(recent, total)

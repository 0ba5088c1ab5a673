"""What is a week worth? In a summer in which everybody falls silent, silence proves less.

In: for each week and stream, how much happened in the whole base over what was to be expected of it, by days that were
worth more or less themselves. Out: the worth of each week of a customer's acquaintance, in days.

Expectations go by the past, so a ratio only says what a week is worth beside those before it: in a base that begins in
a rush all that follow seem to be worth less than seven days. What is known of scatter holds for real weeks, so the unit
is chosen for the weeks of which a ratio is known to be worth seven days on the average. Those before them are what the
ratios go by; one in between or later may be as any other.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from services.analytics.pace import Table, Weeks
from services.analytics.state import DAY, RING_WEEKS, WEEK

STREAMS = ("contact", "enquiry", "complaint", "purchase")
WEEK_DAYS = 7.0


class Calendar:
    """Weeks are counted from 1970 on."""

    def __init__(self, ratios: Mapping[int, Sequence[float]]) -> None:
        """`ratios`: of the weeks of which they are known, by stream."""
        self._begin = min(ratios, default=0)
        mean = np.mean(list(ratios.values()), axis=0) if ratios else np.ones(len(STREAMS))
        self._of_ratio_one = WEEK_DAYS / mean
        end = max(ratios, default=self._begin - 1) + 1
        self._days = np.full((end - self._begin, len(STREAMS)), WEEK_DAYS)
        for week, of in ratios.items():
            self._days[week - self._begin] = self._of_ratio_one * of
        self._until = np.concatenate([np.zeros((1, len(STREAMS))), np.cumsum(self._days, axis=0)])

    def of_ratio_one(self, stream: str) -> float:
        """Days that a week is worth in which as much happened as was to be expected."""
        return float(self._of_ratio_one[STREAMS.index(stream)])

    def weeks(self, stream: str, first: Table, at: int) -> Weeks:
        """Of customers each of whom is watched from a week `first` on, up to an instant, micros. The week that is not
        over comes first, and is worth what has passed of it."""
        column, now, passed = STREAMS.index(stream), at // WEEK, at % WEEK / DAY
        week = np.arange(now, now - RING_WEEKS, -1)
        place = week - self._begin
        days = np.where(place < 0, self._of_ratio_one[column], WEEK_DAYS)
        is_known = (place >= 0) & (place < len(self._days))
        days[is_known] = self._days[place[is_known], column]
        days[0] = passed
        before = self._worth(np.array([float(now)]), column) - self._worth(np.minimum(first, now), column)
        return Weeks(np.where(week >= first[:, None], days, 0.0), before + np.where(first <= now, passed, 0.0))

    def days(self, stream: str, weeks: Sequence[int]) -> Table:
        """From the beginning of each of these weeks to that of the next one."""
        said: Table = np.diff(self._worth(np.array(weeks, dtype=np.float64), STREAMS.index(stream)))
        return said

    def _worth(self, week: Table, column: int) -> Table:
        """Days from the first known week to the beginning of another; negative before it."""
        place = week - self._begin
        inside = np.minimum(np.maximum(place, 0), len(self._days)).astype(np.int64)
        outside = np.where(place < 0, self._of_ratio_one[column], WEEK_DAYS) * (place - inside)
        said: Table = self._until[inside, column] + outside
        return said

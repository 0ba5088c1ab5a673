"""A week is worth seven days, unless it was otherwise for the whole base; and no day is lost in between."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.calendar import STREAMS, Calendar
from services.analytics.state import DAY, RING_WEEKS, WEEK

NOW = 2_900  # a week
streams = st.sampled_from(STREAMS)
firsts = st.integers(NOW - 120, NOW + 1)
passed = st.integers(0, WEEK - 1)
season = st.tuples(*[st.floats(0.4, 2.5)] * len(STREAMS))
seasons = st.dictionaries(st.integers(NOW - 110, NOW - 1), season, max_size=60)


@given(streams, firsts, passed)
def test_without_a_season_a_week_is_worth_seven_days(stream: str, first: int, over: int) -> None:
    weeks = Calendar({}).weeks(stream, np.array([float(first)]), NOW * WEEK + over)
    expected = [over / DAY, *[7.0] * (RING_WEEKS - 1)]
    assert weeks.recent[0].tolist() == [days if NOW - n >= first else 0.0 for n, days in enumerate(expected)]
    assert weeks.total[0] == pytest.approx(max(0, NOW - first) * 7 + (over / DAY if first <= NOW else 0))


@given(seasons, streams, firsts, passed)
def test_what_the_weeks_of_an_acquaintance_are_worth_adds_up(
    ratios: dict[int, tuple[float, ...]], stream: str, first: int, over: int
) -> None:
    calendar = Calendar(ratios)
    weeks = calendar.weeks(stream, np.array([float(first)]), NOW * WEEK + over)
    begin = max(first, NOW - RING_WEEKS + 1)
    older = calendar.days(stream, range(first, begin + 1)).sum() if first < begin else 0.0
    assert weeks.total[0] == pytest.approx(weeks.recent[0].sum() + older)
    assert (weeks.recent >= 0).all()


@given(st.floats(0.4, 0.9), st.integers(1, 25), streams)
def test_a_week_in_which_everybody_falls_silent_is_worth_less(ratio: float, ago: int, stream: str) -> None:
    usual = dict.fromkeys(range(NOW - 100, NOW), (1.0,) * len(STREAMS))
    weeks = Calendar({**usual, NOW - ago: (ratio,) * len(STREAMS)}).weeks(stream, np.array([NOW - 90.0]), NOW * WEEK)
    assert weeks.recent[0, ago] == pytest.approx(7 * ratio)
    assert weeks.total[0] == pytest.approx(90 * 7 - 7 * (1 - ratio))

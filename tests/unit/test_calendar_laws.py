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
    calendar = Calendar({**usual, NOW - ago: (ratio,) * len(STREAMS)})
    weeks = calendar.weeks(stream, np.array([NOW - 90.0]), NOW * WEEK)
    assert weeks.recent[0, ago] == pytest.approx(calendar.of_ratio_one(stream) * ratio)
    assert weeks.total[0] == pytest.approx(calendar.of_ratio_one(stream) * (89 + ratio))


@given(st.lists(season, min_size=1, max_size=60), streams)
def test_weeks_in_a_row_are_worth_seven_days_on_the_average(ratios: list[tuple[float, ...]], stream: str) -> None:
    first = NOW - len(ratios)
    assert Calendar(dict(enumerate(ratios, first))).days(stream, range(first, NOW + 1)).mean() == pytest.approx(7)


@given(seasons, st.floats(0.5, 2.0), streams, firsts, passed)
def test_whether_a_base_began_in_a_rush_or_in_calm_the_weeks_that_followed_are_worth_the_same(
    ratios: dict[int, tuple[float, ...]], began: float, stream: str, first: int, over: int
) -> None:
    seen = {week: tuple(ratio / began for ratio in of) for week, of in ratios.items()}
    watched = np.array([float(first)]), NOW * WEEK + over
    of_calm, of_rush = (Calendar(of).weeks(stream, *watched) for of in (ratios, seen))
    begin = min(ratios, default=NOW)
    followed = [n for n in range(RING_WEEKS) if NOW - n >= begin]
    assert of_rush.recent[0, followed] == pytest.approx(of_calm.recent[0, followed])
    gained = max(0, begin - first) * (Calendar(ratios).of_ratio_one(stream) if ratios else 0.0) * (began - 1)
    assert of_rush.total[0] - of_calm.total[0] == pytest.approx(gained, abs=1e-6)

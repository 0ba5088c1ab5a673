"""Segments and the whole base: falls that are planted are found, and hardly anything else is."""

from functools import cache
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.population.portfolio import LEAST, WHOLE, Figures, Move, Portfolio, verdict
from services.analytics.state import DAY, WEEK
from shared.contracts.segments import SegmentSign
from tests.unit.planted import DAYS, SEGMENTS, Change, Shape, fall, plant
from tests.unit.portfolio import false_alarms_a_year, watched, weekly, whole

SEEDS = range(24)
FOUND_WITHIN = 120  # days
BUYERS, VOLUME = SegmentSign


@cache
def of_falls() -> dict[int, list[Move]]:
    """By seed: what is said of a base of which one segment falls by 35 % within 90 days."""
    return {seed: watched(weekly(plant(seed, fall(seed)))) for seed in SEEDS}


def raised(moves: list[Move], sign: SegmentSign, key: str) -> list[int]:
    """The days on which it came up."""
    return [move.week // DAY for move in moves if move.is_up and (move.sign, move.key) == (sign, key)]


@pytest.mark.parametrize("sign", SegmentSign)
def test_of_falls_by_a_third_in_one_segment_at_least_twenty_of_twenty_four_are_found(sign: SegmentSign) -> None:
    delays = []
    for seed, moves in of_falls().items():
        planted = fall(seed)
        assert isinstance(planted.who, str)
        after = [day - planted.day for day in raised(moves, sign, planted.who) if day >= planted.day]
        delays += [after[0]] if after and after[0] <= FOUND_WITHIN else []
    assert len(delays) >= 20
    assert median(delays) <= 90


@pytest.mark.parametrize("sign", SegmentSign)
def test_there_is_at_most_one_false_alarm_in_ten_years_of_a_segment(sign: SegmentSign) -> None:
    assert false_alarms_a_year(SEEDS, lambda seed, key: raised(of_falls()[seed], sign, key)) <= 0.1


@pytest.mark.parametrize("sign", SegmentSign)
def test_a_strong_season_is_no_fall(sign: SegmentSign) -> None:
    strong = Shape(season=0.5, rush=1.5)
    bases = [watched(weekly(plant(seed, shape=strong))) for seed in range(50, 62)]
    years = len(bases) * len(SEGMENTS) * (DAYS - LEAST * 7) / 365
    assert sum(move.is_up for moves in bases for move in moves if move.sign is sign and move.key) / years <= 0.1
    assert [] == [day for moves in bases for day in raised(moves, sign, WHOLE)]


def test_nothing_but_a_season_gives_no_alarm_at_all() -> None:
    even = Shape(liveliness=0.02, shared=0.0, life_days=1e7, there_from_the_start=1.0, ticket_spread=(0.6, 0.1))
    assert [] == [move for seed in range(50, 54) for move in watched(weekly(plant(seed, shape=even)))]


@pytest.mark.parametrize("sign", SegmentSign)
def test_a_fall_of_everybody_is_a_fall_of_the_whole_base(sign: SegmentSign) -> None:
    of_all = Change(range(2000), 750, 0.5, 60)
    found = [raised(watched(weekly(plant(seed, of_all))), sign, WHOLE) for seed in range(6)]
    assert sum(any(day >= 750 for day in days) for days in found) >= 5


def test_a_sign_goes_down_when_what_was_usual_is_back() -> None:
    planted = Change("A", 450, 0.5, until=560)
    moves = [move for move in watched(weekly(plant(3, planted))) if (move.key, move.sign) == ("A", BUYERS)]
    up, down = moves
    assert (True, False) == (up.is_up, down.is_up)
    assert 560 < down.week // DAY < 660
    assert up.week == down.raised


def test_what_came_up_says_since_when_and_how_much_is_missing() -> None:
    [move] = [move for move in watched(steady({"A": 70}, since=70)) if move.sign is BUYERS]
    assert ("A", True) == (move.key, move.is_up)
    assert 70 * WEEK == move.since
    weeks = (move.week - move.since) // WEEK
    assert 70 * weeks == move.observed
    assert move.expected == pytest.approx(100 * weeks)
    assert move.probability == pytest.approx(0.9, abs=0.1)


def test_a_week_that_was_given_up_is_passed_over() -> None:
    weeks = steady({"A": 70}, since=70)
    weeks[60:63] = [None, None, None]
    assert {("A", BUYERS), ("A", VOLUME)} == {(move.key, move.sign) for move in watched(weeks)}


def test_a_segment_that_is_all_there_is_has_nothing_to_be_compared_with() -> None:
    weeks = [whole({"A": figures}) for week in steady({"A": 50}, since=70) if week and (figures := week["A"])]
    assert {WHOLE} >= {move.key for move in watched(weeks)}


def test_a_segment_that_nobody_is_in_any_more_is_forgotten() -> None:
    portfolio = Portfolio()
    for number, week in enumerate([*steady({}, since=0)[:60], *[whole({"B": Figures(9, 9, 9, 9, 9)})] * 90], 1):
        portfolio, _ = portfolio.after(number * WEEK, week)
    assert {"A"}.isdisjoint(key for key, _ in portfolio.watches)


numbers = st.one_of(st.just(0), st.integers(0, 50), st.integers(0, 10**6))
figures = st.builds(Figures, numbers, numbers, st.one_of(numbers, st.integers(0, 2**60)), numbers, numbers)
weeks = st.one_of(st.none(), st.dictionaries(st.sampled_from("ABC"), figures).map(whole))
courses = st.lists(weeks, min_size=1, max_size=20).map(lambda some: (some * 140)[:140])


@given(courses)
def test_no_course_of_figures_gives_anything_but_finite_numbers(course: list[dict[str, Figures] | None]) -> None:
    portfolio = Portfolio()
    for number, week in enumerate(course, 1):
        portfolio, moves = portfolio.after(number * WEEK, week)
        for move in moves:
            assert 0 <= move.observed < 1e30
            assert 0 <= move.expected < 1e30
            assert 0 <= move.probability <= 1
            assert abs(move.strength) < 1e30
    for watch in portfolio.watches.values():
        seen = verdict(watch)
        assert seen is None or abs(seen.strength) < 1e30


@given(courses)
def test_the_order_in_which_segments_come_shows_nowhere(course: list[dict[str, Figures] | None]) -> None:
    turned = [None if week is None else dict(reversed(week.items())) for week in course]
    assert watched(course) == watched(turned)


def steady(lower: dict[str, int], since: int) -> list[dict[str, Figures] | None]:
    """95 weeks in which 100 of each of three segments buy, as is expected; from a week on so many of some."""

    def figures(key: str, week: int) -> Figures:
        buyers = lower.get(key, 100) if week >= since else 100
        return Figures(500, buyers, 100 * 2**32, buyers * 5000, 100 * 5000)

    return [dict(whole({key: figures(key, week) for key in "ABC"})) for week in range(95)]

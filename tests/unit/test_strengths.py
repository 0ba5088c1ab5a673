"""How signs are counted in bases of which it is known who changes, and what is read off the counts."""

from collections.abc import Mapping

import numpy as np
import pytest

from services.analytics.changes import NAMES
from services.analytics.rules import Rules
from shared.contracts.analytics import Sign
from tests.strengths import KINDS, Row, as_often, at_most, row_of, stronger_by
from tests.unit.changed import BURN_IN, IN_TIME, MONTH, NEVER, REARM, UNTIL, Judged, false_in_1000_months, found_in_time

SIGN, CUSTOMERS, SINCE = Sign.CONTACT_DECLINE, 100, 300
MONTHS = CUSTOMERS * (UNTIL - BURN_IN) / MONTH


def judged(*told: float, since: int = NEVER) -> Judged:
    """A hundred customers, known from the first day; one of them changes, or does not, and is told of on these days."""
    who = [f"c-{n}" for n in range(CUSTOMERS)]
    days: Mapping[float, float] = dict.fromkeys(told, 0.9)
    changed = {(customer, SIGN): float(NEVER) for customer in who} | {("c-0", SIGN): float(since)}
    return Judged(dict.fromkeys(who, 0.0), changed, changed, {("c-0", SIGN): days})


@pytest.mark.parametrize(
    ("told", "false"),
    [
        ((BURN_IN - 1,), 0),
        ((BURN_IN,), 1),
        ((200, 200 + REARM - 1), 1),
        ((200, 200 + REARM), 2),
    ],
)
def test_a_sign_of_who_has_not_changed_is_false_once_in_a_while(told: tuple[float, ...], false: int) -> None:
    assert false_in_1000_months([judged(*told)], SIGN) == pytest.approx(false / MONTHS * 1000)


def test_a_sign_is_false_until_the_change_and_right_for_some_days_after_it() -> None:
    ahead, in_time, late = (judged(day, since=SINCE) for day in (SINCE - 1, SINCE + IN_TIME, SINCE + IN_TIME + 1))
    assert [1, 0, 0] == [round(false_in_1000_months([one], SIGN) * MONTHS / 1000) for one in (ahead, in_time, late)]
    assert [0, 1, 0] == [found_in_time([one], SIGN) for one in (ahead, in_time, late)]
    assert 0.5 == found_in_time([in_time, late], SIGN)


def test_what_is_mostly_so_is_a_deviation_between_kinds_above_the_mean() -> None:
    quiet, loud = judged(since=SINCE), judged(SINCE - 1, since=SINCE)
    of_kinds = [loud, *[quiet] * (len(KINDS) - 1)]
    row = row_of(5.0, [*of_kinds, *of_kinds], SIGN)
    single = false_in_1000_months([loud], SIGN)
    assert single > 0 == false_in_1000_months([quiet], SIGN)
    assert row.false == pytest.approx(single / 12)
    assert row.spread == pytest.approx(single / 12**0.5)
    assert row.mostly == pytest.approx(row.false + row.spread)
    assert row_of(5.0, [loud, quiet], SIGN).spread == pytest.approx(single / 2**0.5)


def test_between_two_strengths_it_is_read_off_in_a_straight_line() -> None:
    rows = [Row(5.0, 7, 1, 0.4), Row(5.5, 3, 1, 0.3), Row(6.0, 2, 0, 0.2)]
    assert at_most(5, rows) == pytest.approx((5.375, 0.325))
    assert at_most(2, rows) == pytest.approx((6.0, 0.2))
    assert at_most(9, rows) is None


def test_paces_change_as_often_as_makes_as_many_signs_true_as_is_said() -> None:
    once_in_50_weeks = np.array([0.8, 0.8, 0.5])
    assert as_often(once_in_50_weeks, 0.7, 1 / 50) == pytest.approx(1 / 50)
    half_as_often = (2 * (2 / 3) + 1 / 3) / 3  # odds of 4 and of 1, halved
    assert as_often(once_in_50_weeks, half_as_often, 1 / 50) == pytest.approx(1 / 100)


def test_all_strengths_are_moved_by_as_much_and_nothing_else() -> None:
    moved, known = stronger_by(0.5), Rules()
    assert {0.5} == {round(getattr(moved, n).strength - getattr(known, n).strength, 9) for n in NAMES.values()}
    assert known == stronger_by(0)

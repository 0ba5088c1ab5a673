"""What became of those whom alerts named: by hand, day by day."""

import pytest

from services.analytics.outcomes import Difference, Outcome, Past, Raised, difference
from tests.unit.attrition import day

HORIZON = 30


def past(*, until: float, **bought: tuple[float, ...]) -> Past:
    """Customers by name, with the days on which they bought."""
    return Past({who: [day(d) for d in days] for who, days in bought.items()}, until=day(until), horizon_days=HORIZON)


def raised(who: str, number: float) -> Raised:
    return Raised(who, day(number))


@pytest.mark.parametrize(
    ("bought", "alert", "right"),
    [
        ((0, 10), 20, True),  # never again
        ((0, 10, 51), 20, True),  # again, after the horizon
        ((0, 10, 50), 20, False),  # on its last day
        ((0, 10, 20), 20, True),  # what happens at the same instant came before
        ((), 20, True),
    ],
)
def test_an_alert_is_right_if_nobody_buys_within_the_horizon(
    bought: tuple[float, ...], alert: float, right: bool
) -> None:
    assert right is past(until=100, a=bought).was_right(raised("a", alert))


def test_of_the_last_horizon_nothing_is_known() -> None:
    known = past(until=100, a=(0, 10))
    assert (True, None) == (known.was_right(raised("a", 70)), known.was_right(raised("a", 70.5)))


def test_a_lapse_is_a_gap_beyond_the_horizon_of_who_had_bought_before_and_that_is_over() -> None:
    known = past(until=100, a=(0, 10, 45), b=(0,), c=(0, 75), d=(0, 0.5), e=(0, 20))
    assert [("a", 10), ("a", 45), ("e", 20)] == [(s.customer, (s.since - day(0)) / 86_400e6) for s in known.lapses()]


def test_precision_recall_and_lead_are_of_what_is_known() -> None:
    known = past(until=100, a=(0, 10), b=(0, 10, 35), c=(0, 20))
    alerts = [raised("a", 25), raised("a", 39), raised("b", 20), raised("c", 60), raised("b", 90)]
    assert known.outcome(alerts) == Outcome(alerts=5, known=4, right=3, lapses=3, found=1, lead_days=15.0)
    assert (0.75, 1 / 3) == (known.outcome(alerts).precision, known.outcome(alerts).recall)


def test_of_nothing_there_is_no_share() -> None:
    nothing = past(until=100).outcome([])
    assert (None, None, None) == (nothing.precision, nothing.recall, nothing.lead_days)


def test_two_alerts_of_one_spell_are_the_same_alert_earlier_or_later() -> None:
    known = past(until=100, a=(0, 10, 60), b=(0,))
    old, new = [raised("a", 30), raised("b", 40)], [raised("a", 24), raised("a", 80)]
    assert difference(known, old, new) == Difference([raised("a", 80)], [raised("b", 40)], 1, 6.0)


def test_the_same_alerts_differ_in_nothing() -> None:
    known, alerts = past(until=100, a=(0, 10)), [raised("a", 30)]
    assert difference(known, alerts, alerts) == Difference([], [], 1, 0.0)

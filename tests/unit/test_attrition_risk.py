"""The risk of no purchase: against its definition, at its limits, and in its direction."""

from math import exp, gamma, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.risk import expected_gap_days, log_odds, p_alive, probability, risk
from services.analytics.rules import Population

CDNOW = Population()
shapes = st.floats(0.01, 50)
populations = st.just(CDNOW) | st.builds(Population, shapes, st.floats(0.01, 10_000), shapes, shapes)
repeats = st.integers(0, 5_000)
spans = st.floats(0, 36_500)
silences = st.floats(0, 36_500)
horizons = st.floats(0.001, 3_650)


def likelihood(p: Population, x: int, last: float, age: float) -> float:
    """Of x repeats, the last at `last`, then silence up to `age`: integrated numerically, in no closed form."""
    steps, total = 400, 0.0
    for i in range(steps):
        leave = (i + 0.5) / steps
        for j in range(steps):
            u = (j + 0.5) / steps
            rate = 0.2 * u * u  # per day; a square takes the pole of the Gamma density at zero away
            density = rate ** (p.r - 1) * exp(-p.alpha_days * rate) * leave ** (p.a - 1) * (1 - leave) ** (p.b - 1)
            came = rate**x * (1 - leave) ** x
            total += density * came * (leave * exp(-rate * last) + (1 - leave) * exp(-rate * age)) * 0.4 * u
    return total / gamma(p.r)


@pytest.mark.parametrize(("x", "last", "age"), [(0, 0.0, 30.0), (1, 20.0, 60.0), (5, 150.0, 200.0)])
def test_the_closed_form_is_the_ratio_of_the_likelihoods(x: int, last: float, age: float) -> None:
    by_definition = likelihood(CDNOW, x, last, age + 90) / likelihood(CDNOW, x, last, age)
    assert risk(CDNOW, x, last, age, 90) == pytest.approx(by_definition, rel=0.005)


@given(populations, repeats, spans, silences, horizons)
def test_the_risk_is_a_probability(p: Population, x: int, last: float, silence: float, horizon: float) -> None:
    assert 0 <= risk(p, x, last, last + silence, horizon) <= 1


@given(populations, repeats, spans, silences, silences, horizons)
def test_silence_never_lowers_the_risk(
    p: Population, x: int, last: float, one: float, two: float, horizon: float
) -> None:
    short, long = sorted((one, two))
    assert risk(p, x, last, last + short, horizon) <= risk(p, x, last, last + long, horizon) + 1e-12


@given(repeats, spans, silences)
def test_no_purchase_ever_is_having_left(x: int, last: float, silence: float) -> None:
    age = last + silence
    assert risk(CDNOW, x, last, age, 1e12) == pytest.approx(1 - p_alive(CDNOW, x, last, age), abs=1e-3)


def test_a_regular_customer_who_falls_silent_is_at_more_risk_than_a_rare_one() -> None:
    assert risk(CDNOW, 20, 200, 290, 90) > risk(CDNOW, 1, 200, 290, 90)


def test_an_own_rhythm_is_drawn_towards_the_population_while_little_is_known() -> None:
    assert expected_gap_days(CDNOW, 1, 7) == pytest.approx((7 + 2 * 60) / 3)
    assert expected_gap_days(CDNOW, 1_000, 7_000) == pytest.approx(7, rel=0.02)


@given(st.floats(0, 1))
def test_log_odds_are_finite_and_lead_back(p: float) -> None:
    assert isfinite(log_odds(p))
    assert probability(log_odds(p)) == pytest.approx(p, abs=2e-9)

"""What a customer is worth who stays: the occasions of a year, and what is spent at them in each currency."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import betaln
from scipy.stats import nbinom

from services.analytics.core import Observation
from services.analytics.population.model import Model, unfitted
from services.analytics.record import newcomer, record
from services.analytics.rules import Population, Rules
from services.analytics.state import MAX_MINOR, YEAR_DAYS, Customer
from services.analytics.value import occasions_in_a_year, two_places, worths
from tests.unit.attrition import WHO, day, every, observation, purchase

LOYAL = Population(r=0.8, alpha_days=60, a=0.01, b=40)
FICKLE = Population(r=0.56, alpha_days=31, a=1.17, b=1.38)  # the CDNOW sample after four months
BASES = (Population(), LOYAL, FICKLE, Population(a=1.0))
positive = st.floats(1e-4, 1e6)
bases = st.builds(Population, positive, positive, positive, positive)


def known(*observations: Observation, rules: Rules | None = None) -> Customer:
    c = newcomer(WHO, day(0))
    for o in observations:
        record(c, o, rules or Rules())
    return c


def value(c: Customer, rules: Rules | None = None, model: Model | None = None) -> dict[str, int]:
    rules = rules or Rules()
    return {worth.currency: worth.value for worth in worths(c, rules, model or unfitted(rules))}


def added_up(p: Population, repeats: int, last_days: float) -> float:
    """The same mean, exactly: P(still there for the k-th) x P(the k-th comes within the year), over all k."""
    k = np.arange(20_000)
    there = np.exp(betaln(p.a, p.b + repeats + 1 + k) - betaln(p.a, p.b + repeats + 1))
    scale = p.alpha_days + last_days
    return float((there * nbinom.sf(k, p.r + repeats, scale / (scale + YEAR_DAYS))).sum())


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(("repeats", "last_days"), [(0, 0), (1, 3), (3, 20), (3, 300), (12, 100), (50, 350), (80, 700)])
def test_a_year_has_the_occasions_of_the_model_or_a_seventh_less(
    base: Population, repeats: int, last_days: float
) -> None:
    exact = added_up(base, repeats, last_days)
    assert 6 / 7 * exact <= occasions_in_a_year(base, repeats, last_days) <= exact * (1 + 1e-9)


def test_where_nobody_leaves_a_year_has_as_many_as_the_own_rate_says() -> None:
    base = Population(r=1, alpha_days=10, a=1e-4, b=1e5)
    assert occasions_in_a_year(base, 51, 355) == pytest.approx(52, rel=1e-4)


@given(bases, st.integers(0, 10**6), st.floats(0, 1e5))
@example(Population(1e-4, 1e-4, 1e-4, 1e6), 10**6, 0.0)
@example(Population(1e6, 1e-4, 1e6, 1e-4), 0, 0.0)
def test_the_occasions_of_a_year_are_between_none_and_one_a_day(base: Population, repeats: int, last: float) -> None:
    assert 0 < occasions_in_a_year(base, repeats, last) <= YEAR_DAYS


@given(st.sampled_from(BASES), st.integers(0, 200), st.floats(0, 2000))
def test_who_has_come_more_often_in_the_same_time_will_come_more_often(
    base: Population, repeats: int, last: float
) -> None:
    assert occasions_in_a_year(base, repeats, last) <= occasions_in_a_year(base, repeats + 1, last) + 1e-9


@given(st.floats(0.05, 500), st.floats(0.05, 500))
def test_the_two_places_have_the_mean_and_the_variance_of_the_law(a: float, b: float) -> None:
    (low, light), (high, heavy) = two_places(a, b)
    mean, variance = a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))
    assert (0 < low < high < 1, True) == (True, light + heavy == pytest.approx(1))
    assert light * low + heavy * high == pytest.approx(mean)
    assert light * (low - mean) ** 2 + heavy * (high - mean) ** 2 == pytest.approx(variance)


def test_a_customer_is_worth_the_margin_of_a_year_at_their_own_mean_ticket() -> None:
    c, rules = known(*every(7, "purchase", 0, 200)), Rules()
    expected = occasions_in_a_year(rules.population, 28, 196)
    assert value(c)["EUR"] == pytest.approx(0.3 * expected * 5_000 / 1.1**0.5, abs=0.5)


def test_silence_makes_nobody_worth_less_who_is_won_back() -> None:
    c = known(*every(7, "purchase", 0, 200))
    before = value(c)
    record(c, observation("contact", 900), Rules())
    assert before == value(c)


def test_the_base_shows_in_the_value() -> None:
    c, rules = known(*every(7, "purchase", 0, 200)), Rules()
    assert value(c, rules, Model(0, LOYAL))["EUR"] > value(c, rules, Model(0, FICKLE))["EUR"]


def test_each_currency_has_a_value_in_proportion_to_what_is_spent_in_it() -> None:
    c = known(*(purchase(n, 5_000 if n % 2 else 900, currency="EUR" if n % 2 else "USD") for n in range(100)))
    found = value(c)
    assert found["EUR"] / found["USD"] == pytest.approx(5_000 / 900, rel=0.02)


def test_where_the_lapse_is_the_absence_of_contacts_a_year_is_worth_what_is_spent_in_it() -> None:
    rules = Rules(target="contact")
    bought = every(7, "purchase", 0, 360)
    often, seldom = (known(*bought, *every(gap, "contact", 0, 360), rules=rules) for gap in (5, 5.001))
    assert value(often, rules)["EUR"] == pytest.approx(value(seldom, rules)["EUR"], rel=0.02)
    assert 0.1 < value(often, rules)["EUR"] / (52 * 5_000) < 0.3


def test_who_never_bought_is_worth_nothing_that_is_known() -> None:
    assert value(known(observation("contact", 1))) == {}


@given(
    st.lists(
        st.tuples(
            st.floats(0, 3000),
            st.sampled_from([0, 1, 99, MAX_MINOR, 2**80, -5]),
            st.sampled_from(["EUR", "JPY", "", None]),
        ),
        max_size=12,
    ),
    bases,
    st.sampled_from(["purchase", "contact"]),
)
def test_however_absurd_the_amounts_every_value_is_a_whole_number_within_bounds(
    told: list[tuple[float, int, str | None]], base: Population, target: str
) -> None:
    rules = Rules(target="contact" if target == "contact" else "purchase")
    c = known(*(purchase(n, amount, currency=code) for n, amount, code in told), observation("contact", 5), rules=rules)
    found = worths(c, rules, Model(0, base))
    assert all(0 <= worth.value <= MAX_MINOR and worth.ticket >= 0 for worth in found)
    assert all(one.currency < other.currency for one, other in pairwise(found))

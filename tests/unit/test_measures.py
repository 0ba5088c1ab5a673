"""Which measure is recommended: it pays or is withheld by one inequality, and every sum is exact and within bounds."""

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.analytics.measures import RULES_OF_THUMB, Measure, default_catalogue, recommended
from services.analytics.state import MAX_MINOR
from services.analytics.wire import Recommendation
from shared.contracts.analytics import Recommendation as ByContract
from shared.contracts.values import Money

amounts = st.integers(0, MAX_MINOR) | st.integers(0, 5_000)
percents = st.integers(0, 100)
risks = st.integers(0, 1_000_000).map(lambda millionths: millionths / 1_000_000)
words, nothing = st.text(max_size=3), st.just(frozenset[str]())
measures = st.builds(Measure, words, words, st.just("EUR"), amounts, amounts, percents, percents, nothing)
CALL = Measure("call", "a call", "EUR", cost=500, incentive=0, take_up_percent=0, success_percent=10)
GIFT = Measure("gift", "a gift", "EUR", cost=0, incentive=100, take_up_percent=50, success_percent=10)


def chosen(risk: float, value: int, *catalogue: Measure, known: Sequence[str] = ()) -> Recommendation:
    found = recommended(risk, value, "EUR", catalogue, known)
    assert found is not None
    return found


def net(m: Measure, risk: float, value: int) -> Fraction:
    """As the books have it: risk x success x (value - incentive) - cost - (1 - risk) x take-up x incentive."""
    r = Fraction(round(risk * 1_000_000), 1_000_000)
    kept = r * Fraction(m.success_percent, 100) * (value - m.incentive)
    return kept - m.cost - (1 - r) * Fraction(m.take_up_percent, 100) * m.incentive


def test_a_call_that_brings_more_than_it_costs_is_worth_it() -> None:
    said = chosen(0.5, 20_000, CALL)
    assert (500, 1_000, 500) == (said.cost.amount_minor, said.benefit.amount_minor, said.net.amount_minor)
    assert (True, 0.25, 0.05) == (said.is_worth_it, said.break_even_risk, said.break_even_success)


def test_what_is_given_to_those_who_would_have_stayed_anyway_counts_as_cost() -> None:
    said = chosen(0.2, 10_000, GIFT)  # 0.2 x 0.1 x 100 to those it keeps, 0.8 x 0.5 x 100 to the others
    assert (42, 200) == (said.cost.amount_minor, said.benefit.amount_minor)


def test_if_nothing_pays_the_nearest_is_withheld_and_says_what_it_would_have_to_achieve() -> None:
    said = chosen(0.5, 2_000, CALL, CALL._replace(name="visit", cost=9_000))
    assert ("call", False, -400) == (said.name, said.is_worth_it, said.net.amount_minor)
    assert (0.5, None) == (said.break_even_success, said.break_even_risk)


def test_of_two_that_bring_the_same_the_first_by_name_is_taken() -> None:
    twins = CALL._replace(name="b"), CALL._replace(name="a")
    assert "a" == chosen(0.5, 20_000, *twins).name == chosen(0.5, 20_000, *reversed(twins)).name


def test_a_measure_in_another_currency_is_none() -> None:
    assert recommended(0.9, 20_000, "USD", [CALL], ()) is None


def test_where_nothing_is_to_be_kept_nothing_is_recommended() -> None:
    assert recommended(0.9, 0, "EUR", [CALL], ()) is None


def test_amends_are_made_only_to_whom_something_was_done() -> None:
    catalogue = default_catalogue(5_000, "EUR")
    assert "personal call" == chosen(0.9, 100_000, *catalogue, known=["price", "attrition"]).name
    assert "service recovery" == chosen(0.9, 100_000, *catalogue, known=["complaint_increase"]).name
    assert "service recovery" == chosen(0.9, 100_000, *catalogue, known=["service"]).name


@given(measures, risks, amounts.filter(bool))
def test_it_is_worth_it_only_if_the_inequality_says_so_and_else_by_less_than_two_minor_units(
    m: Measure, risk: float, value: int
) -> None:
    said = chosen(risk, value, m)
    assert said.is_worth_it == (said.net.amount_minor > 0)
    assert not said.is_worth_it or net(m, risk, value) > 0
    assert said.is_worth_it or net(m, risk, value) < 2


@given(measures, risks, amounts.filter(bool))
def test_what_is_worth_it_is_beyond_both_break_evens(m: Measure, risk: float, value: int) -> None:
    said = chosen(risk, value, m)
    if said.is_worth_it:
        assert said.break_even_risk is not None
        assert said.break_even_success is not None
        assert (risk, said.success) >= (said.break_even_risk, 0)
        assert said.success >= said.break_even_success


@given(measures, risks, risks, amounts.filter(bool))
def test_where_staying_is_worth_more_than_the_incentive_more_risk_brings_more(
    m: Measure, one: float, other: float, value: int
) -> None:
    lower, higher = sorted([one, other])
    if value >= m.incentive:
        more, less = chosen(higher, value, m).net.amount_minor, chosen(lower, value, m).net.amount_minor
        assert more >= less - 2  # each is rounded twice, by less than one


@given(st.lists(measures, min_size=1, max_size=5), risks, amounts.filter(bool))
def test_no_other_brings_more_and_the_order_of_the_catalogue_does_not_matter(
    catalogue: list[Measure], risk: float, value: int
) -> None:
    said = chosen(risk, value, *catalogue)
    assert said.net.amount_minor == max(chosen(risk, value, m).net.amount_minor for m in catalogue)
    assert said.name == chosen(risk, value, *reversed(catalogue)).name


@given(measures, risks, amounts.filter(bool))
def test_every_sum_is_within_what_the_contract_allows(m: Measure, risk: float, value: int) -> None:
    said = chosen(risk, value, m)
    for money in (said.cost, said.benefit, said.net):
        Money(amount_minor=money.amount_minor, currency=money.currency)
    assert said.cost.amount_minor >= 0
    assert said.benefit.amount_minor >= 0
    assert said.net.amount_minor == said.benefit.amount_minor - said.cost.amount_minor


@given(st.floats(0, 1e300), risks, amounts.filter(bool), st.sampled_from(["", "service"]))
def test_by_rule_of_thumb_there_is_always_a_measure_and_none_is_free(
    ticket: float, risk: float, value: int, cause: str
) -> None:
    catalogue = default_catalogue(ticket, "JPY")
    assert all(m.cost > 0 for m in catalogue)
    assert recommended(risk, value, "JPY", catalogue, {cause}) is not None


def test_the_shares_of_the_rules_of_thumb_are_shares() -> None:
    for rule in RULES_OF_THUMB:
        assert 0 < rule.success_percent <= 100
        assert 0 <= rule.take_up_percent <= 100


def test_the_recommendation_is_one_of_the_contract() -> None:
    assert list(ByContract.model_fields) == list(Recommendation.__struct_fields__)

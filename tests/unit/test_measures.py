"""Which measure is recommended: it pays or is withheld by one inequality, and every sum is exact and within bounds."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.analytics.core import Core
from services.analytics.measures import RULES_OF_THUMB, Amount, Catalogue, Measure, recommended
from services.analytics.rules import Rules
from services.analytics.state import MAX_MINOR
from services.analytics.value import Worth
from services.analytics.wire import Recommendation
from shared.contracts.analytics import Recommendation as ByContract
from shared.contracts.values import Money

amounts = st.integers(0, MAX_MINOR) | st.integers(0, 5_000)
thousandths = st.integers(0, 1000)
risks = st.integers(0, 1_000_000).map(lambda millionths: millionths / 1_000_000)
words = st.text(max_size=3)
sums = st.builds(Amount, amounts, st.just("EUR"))
measures = st.builds(Measure, words, words, sums, thousandths, sums, thousandths)


def euros(amount: int) -> Amount:
    return Amount(amount, "EUR")


CALL = Measure("call", "a call", euros(500), success_thousandths=100)
GIFT = Measure("gift", "a gift", euros(0), success_thousandths=100, incentive=euros(100), take_up_thousandths=500)
TENTH = Amount(thousandths_of_ticket=100)


def found(
    risk: float, value: int, *measures: Measure, ticket: float = 0.0, currency: str = "EUR", known: Sequence[str] = ()
) -> Recommendation | None:
    return recommended(risk, Worth(currency, 1, ticket, value), Catalogue(measures), set(known))


def chosen(
    risk: float, value: int, *measures: Measure, ticket: float = 0.0, known: Sequence[str] = ()
) -> Recommendation:
    said = found(risk, value, *measures, ticket=ticket, known=known)
    assert said is not None
    return said


def net(m: Measure, risk: float, value: int) -> Fraction:
    """As the books have it: risk x success x (value - incentive) - cost - (1 - risk) x take-up x incentive."""
    r, incentive = Fraction(round(risk * 1_000_000), 1_000_000), m.incentive.amount_minor
    kept = r * Fraction(m.success_thousandths, 1000) * (value - incentive)
    return kept - m.cost.amount_minor - (1 - r) * Fraction(m.take_up_thousandths, 1000) * incentive


def test_a_call_that_brings_more_than_it_costs_is_worth_it() -> None:
    said = chosen(0.5, 20_000, CALL)
    assert (500, 1_000, 500) == (said.cost.amount_minor, said.benefit.amount_minor, said.net.amount_minor)
    assert (True, 0.25, 0.05) == (said.is_worth_it, said.break_even_risk, said.break_even_success)


def test_what_is_given_to_those_who_would_have_stayed_anyway_counts_as_cost() -> None:
    said = chosen(0.2, 10_000, GIFT)  # 0.2 x 0.1 x 100 to those it keeps, 0.8 x 0.5 x 100 to the others
    assert (42, 200) == (said.cost.amount_minor, said.benefit.amount_minor)


def test_if_nothing_pays_the_nearest_is_withheld_and_says_what_it_would_have_to_achieve() -> None:
    said = chosen(0.5, 2_000, CALL, replace(CALL, name="visit", cost=euros(9_000)))
    assert ("call", False, -400) == (said.name, said.is_worth_it, said.net.amount_minor)
    assert (0.5, None) == (said.break_even_success, said.break_even_risk)


def test_of_two_that_bring_the_same_the_first_by_name_is_taken() -> None:
    twins = replace(CALL, name="b"), replace(CALL, name="a")
    assert "a" == chosen(0.5, 20_000, *twins).name == chosen(0.5, 20_000, *reversed(twins)).name


def test_a_measure_in_another_currency_is_none() -> None:
    assert found(0.9, 20_000, CALL, currency="USD") is None
    assert found(0.9, 20_000, replace(CALL, cost=TENTH, incentive=euros(5)), currency="USD") is None


def test_a_share_of_the_ticket_is_in_the_currency_of_the_customer_and_rounded_up() -> None:
    tenth = replace(CALL, cost=TENTH)
    said = found(0.9, 20_000, tenth, ticket=501.0, currency="JPY")
    assert said is not None
    assert ("JPY", 51) == (said.cost.currency, said.cost.amount_minor)
    assert 1 == chosen(0.9, 20_000, tenth, ticket=0.2).cost.amount_minor


def test_a_measure_whose_price_is_said_in_an_unknown_way_is_none() -> None:
    assert found(0.9, 20_000, replace(CALL, cost=Amount())) is None
    assert found(0.9, 20_000, replace(CALL, incentive=Amount())) is None


def test_an_empty_catalogue_recommends_nothing() -> None:
    assert found(0.9, 20_000) is None


def test_of_two_catalogues_the_later_holds_in_whichever_order_they_are_heard() -> None:
    early, late, twin = (Catalogue((), at, evidence) for at, evidence in ((1, "crm|9"), (2, "crm|1"), (2, "crm|2")))
    for heard in permutations([early, late, twin]):
        core = Core(Rules())
        for catalogue in heard:
            core.take(catalogue)
        assert twin == core.catalogue
    assert RULES_OF_THUMB.place() < early.place()


def test_where_nothing_is_to_be_kept_nothing_is_recommended() -> None:
    assert found(0.9, 0, CALL) is None


def test_amends_are_made_only_to_whom_something_was_done() -> None:
    catalogue = RULES_OF_THUMB.measures
    assert "personal call" == chosen(0.9, 100_000, *catalogue, ticket=5_000, known=["price", "attrition"]).name
    assert "service recovery" == chosen(0.9, 100_000, *catalogue, ticket=5_000, known=["complaint_increase"]).name
    assert "service recovery" == chosen(0.9, 100_000, *catalogue, ticket=5_000, known=["service"]).name


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
    if value >= m.incentive.amount_minor:
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
    assert all(m.cost.of(round(min(MAX_MINOR, ticket))) > 0 for m in RULES_OF_THUMB.measures)
    said = recommended(risk, Worth("JPY", 1, ticket, value), RULES_OF_THUMB, {cause})
    assert said is not None
    assert said.catalogue is None


def test_the_shares_of_the_rules_of_thumb_are_shares() -> None:
    for rule in RULES_OF_THUMB.measures:
        assert 0 < rule.success_thousandths <= 1000
        assert 0 <= rule.take_up_thousandths <= 1000


def test_a_recommendation_names_the_event_that_brought_the_measure() -> None:
    said = recommended(0.5, Worth("EUR", 1, 0.0, 20_000), Catalogue((CALL,), 7, "crm|spring"), set())
    assert said is not None
    assert "crm|spring" == said.catalogue


def test_the_recommendation_is_one_of_the_contract() -> None:
    assert list(ByContract.model_fields) == list(Recommendation.__struct_fields__)

"""How retention sees customers come, lapse and return, and what it says they left for."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.retention.decider import MAX_MINOR, decider
from services.retention.policy import Policy, Renewal, Rhythm, Silence
from shared.contracts.interaction import ComplaintCauseEstablished
from shared.contracts.retention import (
    AlertAcknowledged,
    AlertAcknowledgementRecorded,
    AlertSnoozed,
    AlertSnoozeRecorded,
    Basis,
    DefectorClassified,
    FirstPurchase,
    GrievanceNoted,
    Lapse,
    Lapsed,
    LapseRecorded,
    Purchase,
    PurchaseRecorded,
    Returned,
)
from shared.contracts.values import Defector, Money
from shared.decider import Elapsed, Observed, Received
from tests.specification import Specification, day, observed, received
from tests.strategies import causes_of

DECIDER = decider()
stranger = Specification.of(DECIDER)
SPENT = (Money(amount_minor=1999, currency="EUR"),)


def bought(on: float, *, renews_on: float | None = None, segment: str | None = None) -> Received:
    renews_at = None if renews_on is None else day(renews_on)
    return received(Purchase(amount_minor=1999, currency="EUR", renews_at=renews_at, segment=segment), on)


def grievance(about: Defector, on: float = 0) -> Observed:
    return observed(ComplaintCauseEstablished(about=about, evidence="crm|8"), on)


def lapse(on: float, reason: Defector | None = None) -> Received:
    return received(Lapse(reason=reason), on, evidence="crm|bye")


def of_policy(**said: Silence | Rhythm | Renewal) -> Specification:  # type: ignore[type-arg]
    """`default`, and any segment by its name."""
    return Specification.of(decider(Policy(default=said.pop("default", Rhythm()), segments=said)))


def test_the_first_purchase_is_said_once() -> None:
    stranger.when(bought(on=0)).then(PurchaseRecorded(amount_minor=1999, currency="EUR"), FirstPurchase())
    stranger.given(bought(on=0)).when(bought(on=1)).then_also()


def test_a_gift_is_a_purchase() -> None:
    stranger.when(received(Purchase(amount_minor=0, currency="EUR"))).then_also(FirstPurchase())


def test_what_is_done_about_alerts_is_recorded() -> None:
    stranger.when(received(AlertAcknowledged(alert="analytics/1/c/1", by="Ada"))).then(
        AlertAcknowledgementRecorded(alert="analytics/1/c/1", by="Ada")
    )
    snoozed = {"alert": "analytics/1/c/1", "by": "Ada", "until": day(7), "reason": "On leave."}
    stranger.when(received(AlertSnoozed.model_validate(snoozed))).then(AlertSnoozeRecorded.model_validate(snoozed))


def test_a_declared_lapse_says_what_is_known_of_the_customer() -> None:
    stranger.given(bought(on=0)).when(lapse(on=40.5, reason=Defector.PRICE)).then(
        LapseRecorded(reason=Defector.PRICE),
        Lapsed(
            basis=Basis.DECLARED,
            silent_days=40,
            defector=Defector.PRICE,
            evidence="crm|bye",
            lifetime_spend=SPENT,
        ),
    )


def test_without_a_reason_the_newest_grievance_is_what_they_left_for() -> None:
    customer = stranger.given(bought(on=0), grievance(Defector.PRODUCT, on=5), grievance(Defector.SERVICE, on=3))
    customer.when(lapse(on=40)).then_also(
        Lapsed(
            basis=Basis.DECLARED,
            silent_days=40,
            defector=Defector.PRODUCT,
            evidence="crm|8",
            lifetime_spend=SPENT,
        )
    )


def test_who_never_bought_may_be_said_to_have_left() -> None:
    stranger.when(lapse(on=0)).then_also(Lapsed(basis=Basis.DECLARED))


def test_a_lapse_is_said_once_until_they_return() -> None:
    stranger.given(bought(on=0), lapse(on=1)).when(lapse(on=2)).then(LapseRecorded())


def test_a_reason_that_comes_with_a_second_notice_classifies_the_defector() -> None:
    stranger.given(bought(on=0), lapse(on=1)).when(lapse(on=2, reason=Defector.MARKET)).then_also(
        DefectorClassified(defector=Defector.MARKET, evidence="crm|bye")
    )


def test_a_lapse_from_before_the_last_purchase_is_old_news() -> None:
    stranger.given(bought(on=9)).when(lapse(on=5)).then_also()


def test_a_customer_silent_for_a_year_has_lapsed() -> None:
    stranger.given(bought(on=0), bought(on=10)).when_time_comes().then(
        Lapsed(basis=Basis.SILENCE, silent_days=365, lifetime_spend=(Money(amount_minor=3998, currency="EUR"),))
    )


def test_with_three_days_of_purchases_the_customers_own_rhythm_counts() -> None:
    customer = stranger.given(bought(on=0), bought(on=70), bought(on=140))
    assert customer.due is not None
    assert day(140 + 3 * 70) == customer.due.at
    assert isinstance(customer.when_time_comes().facts[0], Lapsed)
    assert customer.when_time_comes().facts[0].model_dump()["basis"] == Basis.RHYTHM


@pytest.mark.parametrize(("gap", "silence"), [(1, 180), (30, 180), (80, 240), (200, 365)])
def test_the_rhythm_is_bounded_on_both_sides(gap: float, silence: float) -> None:
    customer = stranger.given(bought(on=0), bought(on=gap), bought(on=2 * gap))
    assert customer.due is not None
    assert day(2 * gap + silence) == customer.due.at


def test_three_purchases_on_two_days_are_no_rhythm() -> None:
    customer = stranger.given(bought(on=0), bought(on=0.1), bought(on=20))
    assert customer.due is not None
    assert day(20 + 365) == customer.due.at


def test_the_basis_is_that_of_the_segment() -> None:
    policy = of_policy(default=Silence(days=30), contracts=Renewal(grace_days=14))
    assert policy.given(bought(on=0, renews_on=100)).when_time_comes().facts[0] == Lapsed(
        basis=Basis.SILENCE, silent_days=30, lifetime_spend=SPENT
    )
    assert policy.given(bought(on=0, renews_on=100, segment="contracts")).when_time_comes().facts[0] == Lapsed(
        basis=Basis.RENEWAL, silent_days=114, lifetime_spend=SPENT
    )


def test_the_segment_is_the_newest_by_its_own_time() -> None:
    policy = of_policy(default=Silence(days=30), contracts=Silence(days=60))
    customer = policy.given(bought(on=5, segment="contracts"), bought(on=3, segment="others"))
    assert customer.due is not None
    assert day(65) == customer.due.at


def test_who_bought_after_the_renewal_date_is_judged_by_silence() -> None:
    customer = of_policy(default=Renewal(grace_days=14, days=200)).given(bought(on=0, renews_on=100), bought(on=101))
    customer.when_time_comes().then(
        Lapsed(basis=Basis.SILENCE, silent_days=200, lifetime_spend=(Money(amount_minor=3998, currency="EUR"),))
    )


def test_a_purchase_that_comes_late_does_not_move_the_last_one_back() -> None:
    customer = stranger.given(bought(on=10))
    assert customer.given(bought(on=5)).due == customer.due


def test_a_purchase_moves_the_lapse_ahead_and_the_old_instant_gives_nothing() -> None:
    before = stranger.given(bought(on=0)).due
    assert before is not None
    stranger.given(bought(on=0), bought(on=1)).when(Elapsed(before.what, before.at)).then()


def test_who_is_away_or_never_bought_is_not_waited_for() -> None:
    assert stranger.due is None
    assert stranger.given(bought(on=0), lapse(on=1)).due is None


def test_at_the_end_of_the_calendar_a_lapse_still_has_a_time() -> None:
    latest = datetime.max.replace(tzinfo=UTC)
    customer = stranger.given(Received(Purchase(amount_minor=1, currency="EUR"), latest, "shop|1"))
    assert customer.due is not None
    assert latest == customer.due.at


def test_the_cause_of_a_complaint_is_kept_for_later() -> None:
    stranger.when(grievance(Defector.SERVICE)).then(GrievanceNoted(about=Defector.SERVICE, evidence="crm|8"))


def test_a_cause_that_becomes_known_after_the_lapse_classifies_the_defector_once() -> None:
    customer = stranger.given(bought(on=0), lapse(on=1))
    customer.when(grievance(Defector.SERVICE, on=2)).then(
        DefectorClassified(defector=Defector.SERVICE, evidence="crm|8")
    )
    customer.given(grievance(Defector.SERVICE, on=2)).when(grievance(Defector.SERVICE, on=3)).then()


def test_a_purchase_after_the_lapse_is_a_return() -> None:
    stranger.given(bought(on=0), lapse(on=10)).when(bought(on=40.5)).then_also(Returned(away_days=30))


def test_who_returns_may_lapse_again() -> None:
    customer = stranger.given(bought(on=0), lapse(on=10), bought(on=40))
    assert customer.due is not None
    assert isinstance(customer.when(lapse(on=50)).facts[1], Lapsed)


def test_a_grievance_from_before_the_return_is_forgiven() -> None:
    customer = stranger.given(bought(on=0), grievance(Defector.PRICE), lapse(on=10), bought(on=40))
    assert customer.when(lapse(on=50)).facts[1].model_dump()["defector"] is None


def test_a_late_purchase_undoes_a_lapse_that_only_the_clock_inferred() -> None:
    customer = stranger.given(bought(on=0)).until(on=365)
    customer.when(bought(on=300)).then_also(Returned(away_days=0))
    customer.given(bought(on=300)).when_time_comes().then(
        Lapsed(basis=Basis.SILENCE, silent_days=365, lifetime_spend=(Money(amount_minor=3998, currency="EUR"),))
    )


def test_two_lapses_at_one_instant_are_two_causes() -> None:
    policy = of_policy(default=Silence(days=30), contracts=Silence(days=60))
    customer = policy.given(bought(on=0, segment="contracts"))
    again = customer.until(on=60).given(bought(on=30, segment="others"))
    assert customer.due is not None
    assert again.due is not None
    assert customer.due.at == again.due.at
    assert customer.due.what != again.due.what


def test_a_late_purchase_does_not_undo_a_lapse_that_was_declared() -> None:
    stranger.given(bought(on=0), lapse(on=10)).when(bought(on=5)).then_also()


def test_what_a_customer_spent_is_summed_per_currency() -> None:
    yen = received(Purchase(amount_minor=500, currency="JPY"), on=1)
    facts = stranger.given(yen, bought(on=2), yen).when(lapse(on=3)).facts
    expected = [{"amount_minor": 1999, "currency": "EUR"}, {"amount_minor": 1000, "currency": "JPY"}]
    assert expected == list(facts[1].model_dump()["lifetime_spend"])


def test_a_sum_beyond_what_money_can_say_is_said_as_the_most_it_can() -> None:
    huge = received(Purchase(amount_minor=MAX_MINOR, currency="EUR"))
    facts = stranger.given(huge, huge).when(lapse(on=3)).facts
    assert [{"amount_minor": MAX_MINOR, "currency": "EUR"}] == list(facts[1].model_dump()["lifetime_spend"])


def test_a_policy_that_is_misspelt_is_refused() -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate({"segments": {"contracts": {"basis": "renewal-date", "grace": 14}}})


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.one_of(causes_of(DECIDER.name, *sorted(DECIDER.reacts_to)), st.none()), max_size=12))
def test_lapse_and_return_alternate(history: list) -> None:  # type: ignore[type-arg]
    customer, said = stranger, list[type]()
    for cause in history:
        due = customer.due
        heard = Elapsed(due.what, due.at) if cause is None and due is not None else cause
        if heard is not None:
            said += [type(fact) for fact in customer.when(heard).facts if isinstance(fact, Lapsed | Returned)]
            customer = customer.given(heard)
    assert [Lapsed] == said[:1] or not said
    assert all(one is not other for one, other in pairwise(said))

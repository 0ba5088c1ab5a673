"""Each of the six signs: comes up against the customer's own past, proves it, and goes down again."""

from datetime import timedelta

import pytest

from services.analytics.core import Core, Observation, Rules
from services.analytics.state import WEEK
from shared.contracts.analytics import Alert, Sign, SignEvidence
from shared.contracts.values import to_micros
from tests.unit.attrition import alerts, course, day, every, observation, play, purchase, signs, turns


def first_proof(
    sign: Sign, *parts: Observation | list[Observation], until: float, core: Core | None = None
) -> SignEvidence:
    """Of the first message that names the sign."""
    found = [e for alert in alerts(play(*parts, until=until, core=core)) for e in alert.data.signs if e.sign is sign]
    assert found, f"no {sign}"
    return found[0]


@pytest.mark.parametrize(
    ("sign", "kind", "gap"),
    [
        (Sign.CONTACT_DECLINE, "contact", 5.0),
        (Sign.ENQUIRY_DECLINE, "enquiry", 5.0),
        (Sign.COMMUNICATION_DECLINE, "enquiry", 5.0),
        (Sign.LAPSE, "purchase", 7.0),
    ],
)
def test_an_absence_is_a_decline_that_begins_with_the_week_after_the_last_event(
    sign: Sign, kind: str, gap: float
) -> None:
    last = every(gap, kind, 0, 200)[-1]
    proof = first_proof(sign, every(gap, kind, 0, 200), until=320)
    assert last.at < to_micros(proof.since) <= last.at + WEEK
    assert proof.last_before == proof.evidence[0] == last.evidence
    assert (proof.observed, True, False) == (0, proof.expected > 5, proof.is_declared)
    assert proof.probability is not None
    assert proof.probability > 0.7


def test_rarer_contacts_are_a_decline_before_they_stop() -> None:
    found = alerts(play(every(3, "contact", 0, 200), every(20, "contact", 203, 400), until=400))
    assert Sign.CONTACT_DECLINE in signs(found[0])
    assert to_micros(found[0].data.as_of) < day(300)
    assert [3] == [proof.observed for proof in found[0].data.signs]


def test_of_a_decline_to_a_few_the_last_contact_before_them_is_named() -> None:
    usual, few = every(5, "contact", 0, 200), [observation("contact", number) for number in (214.4, 236.4)]
    proof = first_proof(Sign.CONTACT_DECLINE, usual, few, until=330)
    within = [o.evidence for o in reversed(few) if o.at >= to_micros(proof.since)]
    assert (len(within), tuple(within)) == (proof.observed, proof.evidence[: len(within)])
    assert 0 < len(within) < 3
    assert proof.last_before == proof.evidence[len(within)]


def test_of_a_customer_of_whom_something_came_late_no_last_one_before_is_named() -> None:
    usual, few = every(5, "contact", 0, 200), [observation("contact", number) for number in (214.4, 236.4)]
    core = Core(Rules())
    for seen in [*usual, few[1], few[0]]:
        core.observe(seen)
    proof = first_proof(Sign.CONTACT_DECLINE, until=330, core=core)
    assert 0 < proof.observed < 3
    assert proof.last_before is None


def test_before_a_lapse_the_newest_of_all_that_the_customer_did_is_named() -> None:
    bought, called = every(7, "purchase", 0, 150), every(5, "contact", 0, 190)
    proof = first_proof(Sign.LAPSE, bought, called, until=420)
    assert (0, called[-1].evidence) == (proof.observed, proof.last_before)


def test_a_sign_that_stays_up_is_told_again_after_16_weeks() -> None:
    outputs = play(every(7, "purchase", 0, 200), every(5, "contact", 0, 200), until=400)
    told = {proof.sign: proof.told_at for alert in alerts(outputs) for proof in alert.data.signs}
    first = {proof.sign: proof.told_at for alert in reversed(alerts(outputs)) for proof in alert.data.signs}
    again = first[Sign.LAPSE]
    assert again is not None
    assert told[Sign.LAPSE] == again + timedelta(weeks=16)


def test_who_came_back_and_falls_silent_once_more_is_found_once_more() -> None:
    outputs = play(every(5, "contact", 0, 200), every(5, "contact", 300, 500), until=700)
    assert turns(outputs) == ["raised", "cleared", "raised"]


def test_a_contact_that_we_begin_is_no_communication_of_the_customer() -> None:
    quiet = play(every(5, "contact", 0, 200), until=400)
    written_to = play(every(5, "contact", 0, 200), every(5, "contact", 201, 400, inbound=False), until=400)
    assert [a.data for a in alerts(quiet)] == [a.data for a in alerts(written_to)]


def test_customers_who_keep_their_pace_give_no_alert() -> None:
    steady = (every(6, "contact", 0, 700), every(9, "enquiry", 1, 700), every(14, "purchase", 2, 700))
    assert alerts(play(*steady, until=700)) == []


def test_communication_holds_while_enquiries_take_the_place_of_contacts() -> None:
    found = alerts(play(every(4, "contact", 0, 200), every(4, "enquiry", 202, 330), until=330))
    assert {Sign.CONTACT_DECLINE} == set().union(*map(signs, found))


def test_communication_is_proved_by_contacts_and_enquiries_as_they_came() -> None:
    contacts, enquiries = every(6, "contact", 0, 200), every(4, "enquiry", 1, 200)
    proof = first_proof(Sign.COMMUNICATION_DECLINE, contacts, enquiries, until=330)
    newest = sorted([*contacts, *enquiries], key=lambda o: -o.at)[: len(proof.evidence)]
    assert proof.evidence == tuple(o.evidence for o in newest)
    assert {"contact", "enquiry"} == {o.kind for o in newest}


def test_more_complaints_than_ever_are_a_sign_and_each_of_them_is_evidence() -> None:
    complaints = [observation("complaint", number) for number in (300.4, 306.4, 311.4)]
    proof = first_proof(Sign.COMPLAINT_INCREASE, every(10, "contact", 0, 320), complaints, until=320)
    assert proof.evidence == tuple(c.evidence for c in reversed(complaints[: len(proof.evidence)]))
    assert len(proof.evidence) >= 2
    assert proof.observed > proof.expected


def test_one_complaint_is_no_increase() -> None:
    assert alerts(play(every(10, "contact", 0, 320), observation("complaint", 300.4), until=320)) == []


def test_complaints_are_over_when_none_follow() -> None:
    complaints = [observation("complaint", number) for number in (100.4, 103.4)]
    assert course(play(every(10, "contact", 0, 300), complaints, until=300)) == ["raised", "cleared"]


def test_smaller_purchases_are_less_volume() -> None:
    small = [purchase(number + 0.4, 800) for number in range(200, 330, 7)]
    proof = first_proof(Sign.VOLUME_DECLINE, every(7, "purchase", 0, 195), small, until=330)
    assert proof.currency == "EUR"
    assert proof.observed < 0.2 * proof.expected
    assert proof.last_before == "crm|purchase-189.4", "the last one of the usual size"


def test_another_currency_is_no_smaller_volume() -> None:
    yen = [purchase(number + 0.4, 8_000, currency="JPY") for number in range(200, 400, 7)]
    assert alerts(play(every(7, "purchase", 0, 195), yen, until=400)) == []


def test_one_huge_purchase_does_not_make_its_absence_a_decline() -> None:
    huge = purchase(150.6, 10_000_000)
    assert alerts(play(every(7, "purchase", 0, 400), huge, until=400)) == []


def account(*buyers: tuple[str, float]) -> list[Observation]:
    """Each buyer once in three weeks until a last day; together the account keeps buying."""
    return [o for name, last in buyers for o in every(21, "purchase", len(name), last, buyer=name)]


def test_fewer_regular_buyers_are_a_sign_though_the_account_still_buys() -> None:
    history = account(("ann", 400), ("beth", 400), ("carla", 200), ("dorothy", 200))
    proof = first_proof(Sign.ACTIVE_BUYERS_DECLINE, history, until=400)
    assert (proof.observed, proof.expected) == (2, 4)
    assert set(proof.evidence) == {o.evidence for o in history if o.buyer in ("carla", "dorothy") and o.at > day(180)}


def test_one_buyer_who_leaves_is_no_decline_of_the_account() -> None:
    found = alerts(play(account(("ann", 400), ("beth", 400), ("carla", 400), ("dorothy", 200)), until=400))
    assert all(Sign.ACTIVE_BUYERS_DECLINE not in signs(alert) for alert in found)


def test_two_customers_never_share_a_memory() -> None:
    core = Core(Rules())
    ours = every(5, "contact", 0, 200)
    theirs = every(5, "contact", 0, 400, customer="c-2")
    found: list[Alert] = alerts(play(ours, theirs, until=400, core=core))
    assert {alert.subject for alert in found} == {"c-1"}

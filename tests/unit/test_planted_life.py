"""A customer who shows all six signs of attrition, one after another, is told of by exactly these six."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from services.analytics.core import Observation
from services.analytics.replay import Score
from shared.contracts.acquisition import Enquiry
from shared.contracts.analytics import Alert, AttritionAlertRaised, Sign
from shared.contracts.envelope import Input
from shared.contracts.interaction import Complaint, Contact, Route
from shared.contracts.retention import Purchase
from shared.contracts.values import from_micros
from tests.unit.attrition import WHO, day, every, observation
from tests.unit.bases import event, told

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")  # no figure may overflow

STEADY, UNTIL = 60, 760
CONTACTS_FADE, ENQUIRIES_FADE, COMPLAINS, LEAVE, BUYS_LESS = 300, 380, 460, 520, 600


def steady(number: int) -> list[Observation]:
    """Everybody has a rhythm of their own, and keeps it."""
    who, start = f"s-{number:02}", number * 0.7
    paces = {"contact": 6 + number % 5, "enquiry": 8 + number % 7, "purchase": 9 + number % 6}
    return [o for kind, gap in paces.items() for o in every(gap, kind, start, UNTIL - 1, customer=who)]


def drifting() -> list[Observation]:
    """Three of the five who buy for the account leave, and the others buy the more; from then on only small things."""
    leaving = [
        o
        for first, name in enumerate(("carla", "dora", "eve"))
        for o in every(25, "purchase", first, LEAVE, buyer=name)
    ]
    staying = [o for first, name in ((0, "ann"), (4, "beth")) for o in _stays(first, name)]
    contacts = every(4, "contact", 0, CONTACTS_FADE) + every(20, "contact", CONTACTS_FADE + 15, UNTIL - 1)
    enquiries = every(5, "enquiry", 1, ENQUIRIES_FADE) + every(25, "enquiry", ENQUIRIES_FADE + 15, UNTIL - 1)
    complaints = [observation("complaint", COMPLAINS + number) for number in (0.2, 6.2, 11.2)]
    return [*leaving, *staying, *contacts, *enquiries, *complaints]


def _stays(first: int, buyer: str) -> list[Observation]:
    before = every(10, "purchase", first, LEAVE, buyer=buyer)
    instead = every(6, "purchase", LEAVE + first, BUYS_LESS, buyer=buyer)
    return before + instead + every(7, "purchase", BUYS_LESS + first, UNTIL - 1, buyer=buyer, amount_minor=500)


def data(o: Observation) -> Input:
    match o.kind:
        case "purchase":
            return Purchase(
                amount_minor=o.amount_minor, currency="EUR", buyer=o.buyer, account=WHO if o.buyer else None
            )
        case "contact":
            return Contact(route=Route.TELEPHONE)
        case "enquiry":
            return Enquiry()
        case _:
            return Complaint()


@pytest.fixture(scope="module")
def alerts() -> list[Alert]:
    """Of the whole base."""
    observed = sorted([*drifting(), *(o for n in range(STEADY) for o in steady(n))], key=lambda o: (o.at, o.customer))
    events = [event(o.customer, n, from_micros(o.at), data(o)) for n, o in enumerate(observed)]
    return [said for said in told(events, until=day(UNTIL)) if not isinstance(said, Score)]


def joined(alerts: Sequence[Alert]) -> list[tuple[int, Sign]]:
    """Each sign with the day on which it was named first, in that order."""
    found = dict[Sign, int]()
    for alert in alerts:
        for proof in alert.data.signs:
            found.setdefault(proof.sign, (alert.data.as_of - from_micros(day(0))).days)
    return sorted((number, sign) for sign, number in found.items())


def test_exactly_the_six_signs_are_told_each_within_weeks_of_its_change(alerts: list[Alert]) -> None:
    """And neither a lapse nor attrition: the customer goes on buying."""
    came = [
        (Sign.CONTACT_DECLINE, CONTACTS_FADE),
        (Sign.ENQUIRY_DECLINE, ENQUIRIES_FADE),
        (Sign.COMPLAINT_INCREASE, COMPLAINS),
        (Sign.ACTIVE_BUYERS_DECLINE, LEAVE),
        (Sign.VOLUME_DECLINE, BUYS_LESS),
    ]
    told_on = {sign: number for number, sign in joined(alerts)}
    assert set(told_on) == {*(sign for sign, _ in came), Sign.COMMUNICATION_DECLINE}
    late = {Sign.CONTACT_DECLINE: 77, Sign.ENQUIRY_DECLINE: 87}  # days; the price of few false alarms
    assert all(0 < told_on[sign] - number < late.get(sign, 70) for sign, number in came)
    assert told_on[Sign.CONTACT_DECLINE] < told_on[Sign.COMMUNICATION_DECLINE], "it follows from both"


def test_all_of_it_is_one_alert_and_nobody_else_has_any(alerts: list[Alert]) -> None:
    assert {WHO} == {alert.subject for alert in alerts}
    assert [isinstance(alert.data, AttritionAlertRaised) for alert in alerts] == [True] + [False] * (len(alerts) - 1)


def test_a_sign_is_told_when_it_comes_up_and_not_again_within_90_days(alerts: list[Alert]) -> None:
    told = defaultdict[Sign, set[datetime]](set)
    for proof in (proof for alert in alerts for proof in alert.data.signs):
        if proof.told_at is not None:
            told[proof.sign].add(proof.told_at)
    assert len(told) >= 4
    for times in told.values():
        assert all(two - one >= timedelta(days=90) for one, two in pairwise(sorted(times)))

"""What does an alert say? The signs with their proof, the reasons in plain words, what is at stake.

In: a customer at an instant, and the transition. Out: the message, as the contract has it. Figures are rounded here,
so that the bytes are the same on every machine.
"""

from collections.abc import Iterator, Sequence

from services.analytics import changes
from services.analytics.alerts import Transition
from services.analytics.buyers import leaves_at, regular_buyers
from services.analytics.measures import Catalogue, recommended
from services.analytics.population.model import Model
from services.analytics.population.part import Known
from services.analytics.record import (
    ATTRITION,
    BUYERS,
    COMMUNICATION,
    COMPLAINT,
    CONTACT,
    ENQUIRY,
    LAPSE,
    VOLUME,
    Observation,
)
from services.analytics.rules import Rules
from services.analytics.silence import gap_days, lift, parts_of_risk, risk_at
from services.analytics.state import WEEK, Customer, days
from services.analytics.value import Worth, worths
from services.analytics.wire import Contribution, Message, Money, Recommendation, Row, SignEvidence
from shared.contracts.analytics import (
    MAX_EVIDENCE,
    AttritionAlert,
    AttritionAlertAcknowledged,
    AttritionAlertCleared,
    AttritionAlertEscalated,
    AttritionAlertRaised,
    AttritionAlertReopened,
    AttritionAlertSnoozed,
    Sign,
    alert_id,
)
from shared.contracts.population import model_id
from shared.contracts.values import format_time, from_micros

LEAST_PART = 0.1  # nats of the risk, below which a reason is not worth a word
SIGNS: dict[int, Sign] = {
    CONTACT: Sign.CONTACT_DECLINE,
    ENQUIRY: Sign.ENQUIRY_DECLINE,
    COMMUNICATION: Sign.COMMUNICATION_DECLINE,
    COMPLAINT: Sign.COMPLAINT_INCREASE,
    BUYERS: Sign.ACTIVE_BUYERS_DECLINE,
    VOLUME: Sign.VOLUME_DECLINE,
    LAPSE: Sign.LAPSE,
    ATTRITION: Sign.ATTRITION,
}
MESSAGES: dict[Transition, type[AttritionAlert]] = {
    Transition.RAISED: AttritionAlertRaised,
    Transition.JOINED: AttritionAlertEscalated,
    Transition.CROSSED_AGAIN: AttritionAlertReopened,
    Transition.SNOOZE_ENDED: AttritionAlertReopened,
    Transition.CALMED: AttritionAlertCleared,
    Transition.BACK: AttritionAlertCleared,
    Transition.LAPSED: AttritionAlertCleared,
    Transition.ACKNOWLEDGED: AttritionAlertAcknowledged,
    Transition.SNOOZED: AttritionAlertSnoozed,
}


def message(
    c: Customer, at: int, why: Transition, o: Observation | None, rules: Rules, of_base: Known, catalogue: Catalogue
) -> Message:
    """`o`: the observation at hand, if it was one; a snooze takes its figures from there."""
    signs = evidence(c, at, rules, of_base)
    risk, worth = rounded_risk(c, at, rules, of_base.model), worths(c, rules, of_base.model)
    snooze = o if why is Transition.SNOOZED else None
    return Message(
        alert=alert_id(rules.name, c.id, c.life.episode),
        risk=risk,
        risk_before=c.life.risk,
        contributions=_contributions(c, at, signs, why, rules, of_base.model),
        signs=signs,
        value_at_risk=value_at_risk(worth, risk),
        recommended=_recommended(c, signs, worth, risk, catalogue),
        probable_cause=c.cause,
        segment=c.segment,
        rules=rules.name,
        model=_fitted_by(rules, of_base.model),
        as_of=from_micros(at),
        until=None if snooze is None or snooze.until is None else from_micros(snooze.until),
        reason=None if snooze is None else snooze.reason,
    )


def _fitted_by(rules: Rules, model: Model) -> str | None:
    """Which fact says how: that of the week of the fit, which later ones repeat."""
    return model_id(rules.name, format_time(from_micros(model.week))) if model.week else None


def row(c: Customer, at: int, risk: float | None, rules: Rules, model: Model) -> Row:
    """`risk`: that of the customer at the instant, rounded."""
    return Row(
        risk=risk,
        value_at_risk=value_at_risk(worths(c, rules, model), risk),
        alert=alert_id(rules.name, c.id, c.life.episode) if c.life.is_open else None,
        rules=rules.name,
        as_of=from_micros(at),
    )


def rounded_risk(c: Customer, at: int, rules: Rules, model: Model) -> float | None:
    risk = risk_at(c, at, rules, model)
    return None if risk is None else round(risk, 6)


def value_at_risk(worth: Sequence[Worth], risk: float | None) -> tuple[Money, ...]:
    """Risk x value, by currency; none where that is nothing."""
    amounts = [(w.currency, round(risk * w.value)) for w in worth] if risk is not None else []
    return tuple([Money(amount, code) for code, amount in amounts if amount > 0])


def _recommended(
    c: Customer, signs: Sequence[SignEvidence], worth: Sequence[Worth], risk: float | None, catalogue: Catalogue
) -> Recommendation | None:
    """In the currency of most purchases. Of an alert that is cleared, nothing is to be done."""
    if risk is None or not worth or not c.life.is_open:
        return None
    most = max(worth, key=lambda w: (w.purchases, w.currency))
    return recommended(risk, most, catalogue, {c.cause or "", *(sign.sign for sign in signs)})


def evidence(c: Customer, at: int, rules: Rules, of_base: Known) -> tuple[SignEvidence, ...]:
    """The proof of each sign that is up."""
    up = [number for number in SIGNS if c.up >> number & 1]
    changed = [number for number in up if number in changes.SIGNS and (number != LAPSE or c.declared is None)]
    found = changes.proofs(c, changed, at, of_base.model.paces, of_base.calendar)

    def of(number: int) -> SignEvidence:
        if number in found:
            return _change(c, number, at, rules, found[number])
        if number == BUYERS:
            return _buyers(c, at, rules)
        return _silence(c, at, rules, of_base.model) if number == ATTRITION else _declared(c)

    return tuple(map(of, up))


def _change(c: Customer, number: int, at: int, rules: Rules, found: changes.Proof) -> SignEvidence:
    ids = _ids(c, number)
    unit = found.ticket or 1.0
    since = max(c.since, found.since * WEEK)
    return SignEvidence(
        sign=SIGNS[number],
        since=from_micros(since),
        observed=_figure(found.observed * unit),
        expected=_figure(found.expected * unit),
        currency=c.sizes.currency if c.sizes is not None and found.ticket else None,
        window_days=_figure(days(at - since)),
        strength=_figure(found.strength),
        probability=_figure(changes.probability(number, found.strength, rules)),
        told_at=from_micros(c.told[changes.SIGNS.index(number)]),
        evidence=ids,
        last_before=_last_before(c, number, ids, found.happened),
    )


def _last_before(c: Customer, number: int, ids: Sequence[str], happened: int) -> str | None:
    """The event before those in the window; none where it is not remembered, or nobody knows which it is."""
    if happened == 0 and number == LAPSE:
        streams = [events for events in (c.purchase, c.contact, c.enquiry) if events is not None]
        return max(streams, key=lambda events: events.at).evidence[0]
    is_known = happened == 0 or (number != LAPSE and not c.is_late)
    return ids[happened] if is_known and happened < len(ids) else None


def _ids(c: Customer, number: int) -> tuple[str, ...]:
    """Newest first, of a lapse by kind."""
    bought = [] if c.purchase is None else c.purchase.evidence
    if number == LAPSE:
        return (*bought, *_communicated(c))
    if number == COMMUNICATION:
        return tuple(_communicated(c))
    events = {CONTACT: c.contact, ENQUIRY: c.enquiry, COMPLAINT: c.complaint, VOLUME: c.purchase}[number]
    return () if events is None else tuple(events.evidence)


def _communicated(c: Customer) -> Iterator[str]:
    """Contacts and enquiries as they came, newest first."""
    kinds = ((CONTACT, c.contact), (ENQUIRY, c.enquiry))
    ids = {sign: iter(events.evidence) for sign, events in kinds if events is not None}
    return (next(ids[sign]) for sign in c.communicated)


def _declared(c: Customer) -> SignEvidence:
    assert c.lapsed_at is not None and c.declared is not None, "that is why it is up"  # noqa: PT018
    at = from_micros(c.lapsed_at)
    return SignEvidence(
        sign=Sign.LAPSE, since=at, observed=0.0, expected=0.0, window_days=0.0, strength=0.0, probability=1.0,
        told_at=from_micros(c.told[changes.SIGNS.index(LAPSE)]), evidence=(c.declared,),
    )  # fmt: skip


def _buyers(c: Customer, at: int, rules: Rules) -> SignEvidence:
    regular = regular_buyers(c)
    gone = sorted((b for b in regular if leaves_at(b, rules) <= at), key=lambda b: (-b.last, b.name))
    since = gone[0].last if gone else at
    return SignEvidence(
        sign=Sign.ACTIVE_BUYERS_DECLINE,
        since=from_micros(since),
        observed=float(len(regular) - len(gone)),
        expected=float(len(regular)),
        window_days=_figure(days(at - since)),
        strength=_figure(sum(_buyer_strength(b.repeats, days(b.last - b.first), days(at - b.last)) for b in gone)),
        evidence=tuple(b.evidence for b in gone)[:MAX_EVIDENCE],
        last_before=gone[0].evidence if gone else None,
    )


def _buyer_strength(repeats: int, span_days: float, silent_days: float) -> float:
    """What silence would have been expected to bring at the buyer's own pace, in nats: -ln P(silence), Poisson."""
    return silent_days * repeats / max(1.0, span_days)


def _silence(c: Customer, at: int, rules: Rules, model: Model) -> SignEvidence:
    p = c.occasions
    assert p is not None, "the risk is up, so there are purchases"
    silent, occasions = days(at - p.last), c.purchase if rules.target == "purchase" else c.contact
    assert occasions is not None, "of which there are some"
    ids = tuple(occasions.evidence)
    return SignEvidence(
        sign=Sign.ATTRITION,
        since=from_micros(p.last),
        observed=0.0,
        expected=_figure(silent / gap_days(p, model)),
        window_days=_figure(silent),
        strength=_figure(lift(c, at, rules, model)),
        evidence=ids,
        last_before=ids[0],
    )


def _contributions(
    c: Customer, at: int, signs: Sequence[SignEvidence], why: Transition, rules: Rules, model: Model
) -> tuple[Contribution, ...]:
    """The strongest first, behind what only explains the transition."""
    told = [] if why in (Transition.RAISED, Transition.JOINED) else [Contribution(reason=why.value, weight=0.0)]
    reasons = [
        Contribution(reason=_words(c, sign), weight=sign.strength) for sign in signs if sign.sign is not Sign.ATTRITION
    ]
    if len(reasons) < len(signs):
        reasons += _of_risk(c, at, rules, model)
    return (*told, *sorted(reasons, key=lambda reason: (-reason.weight, reason.reason)))


def _of_risk(c: Customer, at: int, rules: Rules, model: Model) -> list[Contribution]:
    """What the risk is made of: silence, and what else weighs anything, for it or against it."""
    assert c.occasions is not None, "the risk is up, so there are occasions"
    silence, changed, complaints = (round(part, 6) + 0.0 for part in parts_of_risk(c, at, rules, model))
    rhythm = f"silent for {days(at - c.occasions.last):.0f} days, own rhythm is {gap_days(c.occasions, model):.0f}"
    others = (("changes of pace, in the risk", changed), (f"complaints so far: {c.complaints.count}", complaints))
    return [
        Contribution(reason=rhythm, weight=silence),
        *(Contribution(reason=words, weight=weight) for words, weight in others if abs(weight) >= LEAST_PART),
    ]


def _words(c: Customer, sign: SignEvidence) -> str:
    if sign.sign is Sign.ACTIVE_BUYERS_DECLINE:
        return f"{sign.observed:.0f} of {sign.expected:.0f} regular buyers still buy"
    if sign.sign is Sign.LAPSE and c.declared is not None:
        return "the customer has told that they leave"
    since = f"since {sign.since:%Y-%m-%d}"
    if sign.sign is Sign.VOLUME_DECLINE and sign.currency is not None:
        return f"volume at {sign.observed / sign.expected:.0%} of the usual {since}"
    expected = f"{sign.expected:.1f}" if sign.expected >= 0.1 else "hardly any"
    things = THINGS[sign.sign] if sign.sign is not Sign.LAPSE or c.communicated else THINGS[Sign.VOLUME_DECLINE]
    return f"{since} {sign.observed:.0f} {things} where {expected} were to be expected"


THINGS: dict[Sign, str] = {
    Sign.CONTACT_DECLINE: "contacts",
    Sign.ENQUIRY_DECLINE: "enquiries",
    Sign.COMMUNICATION_DECLINE: "contacts and enquiries",
    Sign.COMPLAINT_INCREASE: "complaints",
    Sign.VOLUME_DECLINE: "purchases",
    Sign.LAPSE: "contacts, enquiries and purchases",
}


def _figure(value: float) -> float:
    """Rounded, never below zero, and never minus zero."""
    return round(max(0.0, value), 6) + 0.0

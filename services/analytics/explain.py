"""What does an alert say? The signs with their proof, the reasons in plain words, what is at stake.

In: a customer at an instant, and the transition. Out: the message, as the contract has it. Figures are rounded here,
so that the bytes are the same on every machine.
"""

from collections.abc import Sequence

from services.analytics.alerts import Transition
from services.analytics.measures import default_catalogue, recommended
from services.analytics.population.model import Model
from services.analytics.record import ATTRITION, BUYERS, COMMUNICATION, COMPLAINT, CONTACT, ENQUIRY, VOLUME, Observation
from services.analytics.rules import Rules, Watch
from services.analytics.signs import (
    decline,
    increase,
    leaves_at,
    regular_buyers,
    smaller_tickets,
    with_usual,
)
from services.analytics.silence import gap_days, lift, risk_at
from services.analytics.state import DAY, Customer, Stream, days
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
from shared.contracts.values import from_micros

SIGNS: dict[int, Sign] = {
    CONTACT: Sign.CONTACT_DECLINE,
    ENQUIRY: Sign.ENQUIRY_DECLINE,
    COMMUNICATION: Sign.COMMUNICATION_DECLINE,
    COMPLAINT: Sign.COMPLAINT_INCREASE,
    BUYERS: Sign.ACTIVE_BUYERS_DECLINE,
    VOLUME: Sign.VOLUME_DECLINE,
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


def message(c: Customer, at: int, why: Transition, o: Observation | None, rules: Rules, model: Model) -> Message:
    """`o`: the observation at hand, if it was one; a snooze takes its figures from there."""
    signs = tuple(evidence(c, number, at, rules, model) for number in SIGNS if c.up >> number & 1)
    risk, worth = rounded_risk(c, at, rules, model), worths(c, rules, model)
    snooze = o if why is Transition.SNOOZED else None
    return Message(
        alert=alert_id(rules.name, c.id, c.life.episode),
        risk=risk,
        risk_before=c.life.risk,
        contributions=_contributions(c, signs, why, model),
        signs=signs,
        value_at_risk=value_at_risk(worth, risk),
        recommended=_recommended(c, signs, worth, risk),
        probable_cause=c.cause,
        segment=c.segment,
        rules=rules.name,
        as_of=from_micros(at),
        until=None if snooze is None or snooze.until is None else from_micros(snooze.until),
        reason=None if snooze is None else snooze.reason,
    )


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
    c: Customer, signs: Sequence[SignEvidence], worth: Sequence[Worth], risk: float | None
) -> Recommendation | None:
    """In the currency of most purchases. Of an alert that is cleared, nothing is to be done."""
    if risk is None or not worth or not c.life.is_open:
        return None
    most = max(worth, key=lambda w: (w.purchases, w.currency))
    known = {c.cause or "", *(sign.sign for sign in signs)}
    return recommended(risk, most.value, most.currency, default_catalogue(most.ticket, most.currency), known)


def evidence(c: Customer, number: int, at: int, rules: Rules, model: Model) -> SignEvidence:
    """The proof of a sign that is up."""
    watched = {
        CONTACT: (c.contact, rules.contact),
        ENQUIRY: (c.enquiry, rules.enquiry),
        COMMUNICATION: (c.communication, rules.communication),
        COMPLAINT: (c.complaint, rules.complaint),
        VOLUME: (c.volume, rules.volume),
    }
    if number == BUYERS:
        return _buyers(c, at, rules)
    if number == ATTRITION:
        return _silence(c, at, rules, model)
    stream, watch = watched[number]
    assert stream is not None, "a sign is up, so there is a stream"
    return _stream(c, number, stream, watch, at, rules)


def _stream(c: Customer, number: int, stream: Stream, watch: Watch, at: int, rules: Rules) -> SignEvidence:
    seen, usual = stream.observed(at, watch), stream.expected(watch)
    is_absent = number != COMPLAINT and days(at - stream.at) >= watch.window_days / 2
    wallet = max(c.wallets, key=lambda w: (w.count, w.currency), default=None) if number == VOLUME else None
    unit = wallet.ticket if wallet else 1.0
    return SignEvidence(
        sign=SIGNS[number],
        since=from_micros(stream.at if is_absent else max(c.since, at - round(watch.window_days * DAY))),
        observed=_figure(seen * unit),
        expected=_figure(usual * unit),
        currency=wallet.currency if wallet else None,
        window_days=float(watch.window_days),
        strength=_figure(_strength(c, number, stream, watch, at, rules)),
        evidence=tuple(stream.evidence),
        last_before=stream.evidence[0] if is_absent else None,
    )


def _strength(c: Customer, number: int, stream: Stream, watch: Watch, at: int, rules: Rules) -> float:
    if number == COMPLAINT:
        return increase(stream.observed(at, watch), stream.expected(watch))
    counts = c.orders if number == VOLUME and c.orders is not None else stream
    events = with_usual(counts, watch)
    known = 0.0 if counts is stream else smaller_tickets(with_usual(stream, watch), events, rules)
    return known + decline(counts.observed(at, watch), events[1], watch.dispersion)


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
    silent = days(at - p.last)
    return SignEvidence(
        sign=Sign.ATTRITION,
        since=from_micros(p.last),
        observed=0.0,
        expected=_figure(silent / gap_days(p, model)),
        window_days=_figure(silent),
        strength=_figure(lift(c, at, rules, model)),
        evidence=tuple(p.evidence),
        last_before=p.evidence[0],
    )


def _contributions(
    c: Customer, signs: Sequence[SignEvidence], why: Transition, model: Model
) -> tuple[Contribution, ...]:
    """The strongest first, behind what only explains the transition."""
    told = [] if why in (Transition.RAISED, Transition.JOINED) else [Contribution(reason=why.value, weight=0.0)]
    reasons = [Contribution(reason=_words(c, sign, model), weight=sign.strength) for sign in signs]
    return (*told, *sorted(reasons, key=lambda reason: (-reason.weight, reason.reason)))


def _words(c: Customer, sign: SignEvidence, model: Model) -> str:
    if sign.sign is Sign.ATTRITION and c.occasions is not None:
        return f"silent for {sign.window_days:.0f} days, own rhythm is {gap_days(c.occasions, model):.0f}"
    if sign.sign is Sign.ACTIVE_BUYERS_DECLINE:
        return f"{sign.observed:.0f} of {sign.expected:.0f} regular buyers still buy"
    share = f"{sign.observed / sign.expected:.0%} of the usual" if sign.expected else "none"
    within = f"in {sign.window_days:.0f} days"
    if sign.sign is Sign.VOLUME_DECLINE:
        return f"volume at {share} {within}"
    things = THINGS[sign.sign]
    return f"{sign.observed:.1f} {things} {within}, where {sign.expected:.1f} are usual"


THINGS: dict[Sign, str] = {
    Sign.CONTACT_DECLINE: "contacts",
    Sign.ENQUIRY_DECLINE: "enquiries",
    Sign.COMMUNICATION_DECLINE: "contacts and enquiries",
    Sign.COMPLAINT_INCREASE: "complaints",
}


def _figure(value: float) -> float:
    """Rounded, never below zero, and never minus zero."""
    return round(max(0.0, value), 6) + 0.0

"""Which signs of attrition does a customer show at an instant, and when may time alone change the answer?

Six named detectors and the risk in two depths. Each compares the customer with the customer's own past and answers
with a verdict: is the sign up, and the earliest instant, if nothing happens, at which it may be otherwise. That
instant may be early (a look costs little) and never late: looking at it alone gives the same answers as looking
always. Every condition is monotone in silence, which is what makes the instant computable.
"""

from collections.abc import Callable
from math import log
from typing import NamedTuple

from services.analytics.record import ATTRITION, BUYERS, COMMUNICATION, COMPLAINT, CONTACT, DEEP, ENQUIRY, VOLUME
from services.analytics.risk import expected_gap_days, log_odds, probability, risk
from services.analytics.rules import Rules, Watch
from services.analytics.state import DAY, NEVER, Buyer, Customer, Purchases, Stream, days

SECOND = 1_000_000  # closed forms are taken a second early: rounding must not make them late
HORIZON_DAYS = 20 * 365  # later than this nothing is awaited


class Verdict(NamedTuple):
    up: bool
    due: int  # NEVER: only an event can change it


DOWN = Verdict(False, NEVER)


def contact_decline(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """The customer is in touch more rarely than before."""
    return _decline(c, c.contact, at, up, rules.contact, rules)


def enquiry_decline(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """The customer asks more rarely than before."""
    return _decline(c, c.enquiry, at, up, rules.enquiry, rules)


def communication_decline(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """Contacts and enquiries taken together: the customer's side falls silent or stops answering."""
    return _decline(c, c.communication, at, up, rules.communication, rules)


def volume_decline(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """The customer spends less: smaller purchases, rarer ones, or none."""
    if c.volume is None or c.orders is None:
        return DOWN
    tickets = smaller_tickets(c.volume, c.orders, rules)
    return _decline(c, c.volume, at, up, rules.volume, rules, counted=c.orders, known=tickets)


def complaint_increase(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """The customer complains more often than before. Comes up with a complaint, goes down with time."""
    stream, watch = c.complaint, rules.complaint
    if stream is None:
        return DOWN
    seen, usual = stream.observed(at, watch), stream.expected(watch)
    if up:
        floor = max(rules.complaints_min / 2, watch.clear_ratio * usual)
        if seen <= floor:
            return DOWN
        return Verdict(True, first_true(lambda t: stream.observed(t, watch) <= floor, at))
    comes_up = seen >= max(rules.complaints_min, watch.raise_ratio * usual) and increase(seen, usual) >= watch.strength
    return complaint_increase(c, at, True, rules) if comes_up else DOWN


def active_buyers_decline(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """Fewer of the people who regularly bought for the account still do."""
    regular = regular_buyers(c)
    if len(regular) < rules.buyers_min:
        return DOWN
    leave = [leaves_at(b, rules) for b in regular]
    gone = sum(instant <= at for instant in leave)
    share = gone / len(regular)
    up = share > rules.buyers_gone_clear if up else gone >= 2 and share >= rules.buyers_gone_raise
    return Verdict(up, NEVER if up else min((instant for instant in leave if instant > at), default=NEVER))


def attrition(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """The risk has risen high, and well above what it was right after the last purchase."""
    return _silence(c, at, up, rules.risk_raise, rules)


def deep_attrition(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """The same in the highest band: it escalates the alert."""
    return _silence(c, at, up, rules.risk_deep, rules)


Detector = Callable[[Customer, int, bool, Rules], Verdict]
_BY_NUMBER: dict[int, Detector] = {
    CONTACT: contact_decline,
    ENQUIRY: enquiry_decline,
    COMMUNICATION: communication_decline,
    COMPLAINT: complaint_increase,
    BUYERS: active_buyers_decline,
    VOLUME: volume_decline,
    ATTRITION: attrition,
    DEEP: deep_attrition,
}
DETECTORS: tuple[Detector, ...] = tuple(_BY_NUMBER[number] for number in sorted(_BY_NUMBER))


def decline(seen: float, usual: float, dispersion: float) -> float:
    """Log likelihood ratio, in nats, of so few against the usual. A decayed count varies by half its mean, hence 2."""
    n, m = 2 * seen / dispersion, 2 * usual / dispersion
    return m - n + (n * log(n / m) if n > 0 else 0.0) if n < m else 0.0


def smaller_tickets(volume: Stream, orders: Stream, rules: Rules) -> float:
    """Log likelihood ratio, in nats, of tickets so small against the usual, as of the last purchase."""
    usual = volume.expected(rules.volume) / orders.expected(rules.volume)
    size = max(0.01, volume.short / (orders.short * usual))
    return rules.ticket_shape * orders.short * (size - 1 - log(size)) if size < 1 else 0.0


def increase(seen: float, usual: float) -> float:
    """Log likelihood ratio, in nats, of so many against the usual; fresh events have hardly decayed: each is one."""
    return seen * log(seen / usual) - seen + usual if seen > usual else 0.0


def risk_at(c: Customer, at: int, rules: Rules) -> float | None:
    """P(no purchase within the horizon) at an instant not before the last purchase; none: never bought."""
    return None if c.purchases is None else _risk(c.purchases, at, rules)


def gap_days(p: Purchases, rules: Rules) -> float:
    return expected_gap_days(rules.population, p.repeats, days(p.last - p.first))


def lift(p: Purchases, at: int, rules: Rules) -> float:
    """How far silence has raised the risk since the last purchase, in nats of log odds."""
    return log_odds(_risk(p, at, rules)) - log_odds(_risk(p, p.last, rules))


def regular_buyers(c: Customer) -> list[Buyer]:
    return [b for b in c.buyers if b.repeats >= 2]


def leaves_at(b: Buyer, rules: Rules) -> int:
    """The instant from which a silent buyer counts as gone."""
    gap = (b.last - b.first) // max(1, b.repeats)
    return b.last + max(round(rules.buyer_silent_days * DAY), round(rules.buyer_silent_gaps * gap))


def first_true(predicate: Callable[[int], bool], after: int) -> int:
    """An instant after `after`, not later than the first at which a predicate that stays true is true, and nearer to it
    than a thousandth of the way: who looks then looks again. NEVER if it is not true within the horizon."""
    low, high = after, after + HORIZON_DAYS * DAY
    if not predicate(high):
        return NEVER
    while high - low > 1 + (low - after) // 1000:
        middle = (low + high) // 2
        low, high = (low, middle) if predicate(middle) else (middle, high)
    return low + 1


def _decline(
    c: Customer,
    stream: Stream | None,
    at: int,
    up: bool,
    watch: Watch,
    rules: Rules,
    *,
    counted: Stream | None = None,
    known: float = 0.0,
) -> Verdict:
    """`counted`: the stream whose events prove it, if not the same; `known`: nats that silence does not change."""
    if stream is None:
        return DOWN
    counts = counted or stream
    usual = stream.expected(watch)
    if up and stream.observed(at, watch) < watch.clear_ratio * usual:
        return Verdict(True, NEVER)  # the ratio only falls in silence
    number = counts.expected(watch)
    if known + decline(0.0, number, watch.dispersion) < watch.strength:  # even absence would say too little
        return DOWN
    wait = max(0.0, watch.window_days * log(max(1e-300, stream.short / (watch.raise_ratio * usual))))
    early = max(stream.at + round(wait * DAY) - SECOND, c.since + round(rules.min_age_days * DAY))
    if at < early:
        return Verdict(False, early)

    def is_low(instant: int) -> bool:
        if stream.observed(instant, watch) > watch.raise_ratio * usual:
            return False
        return known + decline(counts.observed(instant, watch), number, watch.dispersion) >= watch.strength

    return Verdict(True, NEVER) if is_low(at) else Verdict(False, first_true(is_low, at))


def _silence(c: Customer, at: int, up: bool, threshold: float, rules: Rules) -> Verdict:
    p = c.purchases
    if p is None or p.repeats < 1:  # one purchase is no rhythm: silence after it says nothing about this customer
        return DOWN
    early = p.last + round(rules.silent_gaps * gap_days(p, rules) * DAY)
    if at < early:
        return Verdict(False, early)
    lifted = probability(log_odds(_risk(p, p.last, rules)) + rules.risk_lift)
    target = max(threshold, lifted)
    if _risk(p, at, rules) >= target or (up and _risk(p, at, rules) >= max(rules.risk_clear, lifted)):
        return Verdict(True, NEVER)
    return Verdict(False, first_true(lambda instant: _risk(p, instant, rules) >= target, at))


def _risk(p: Purchases, at: int, rules: Rules) -> float:
    return risk(rules.population, p.repeats, days(p.last - p.first), days(at - p.first), rules.horizon_days)

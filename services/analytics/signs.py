"""Which signs of attrition does a customer show at an instant, and when may time alone change the answer?

Six named detectors; what goes by the risk is in `silence`. Each compares the customer with the customer's own past and
answers with a verdict: is the sign up, and the earliest instant, if nothing happens, at which it may be otherwise. That
instant may be early (a look costs little) and never late: looking at it alone gives the same answers as looking always.
Every condition is monotone in silence, which is what makes the instant computable.
"""

from collections.abc import Callable
from math import log

from services.analytics.record import BUYERS, COMMUNICATION, COMPLAINT, CONTACT, ENQUIRY, VOLUME
from services.analytics.rules import Rules, Watch
from services.analytics.state import DAY, NEVER, Buyer, Customer, Stream

SECOND = 1_000_000  # closed forms are taken a second early: rounding must not make them late
HORIZON_DAYS = 20 * 365  # later than this nothing is awaited


Verdict = tuple[bool, int]
"""Whether the sign is up, and the instant from which that may change by time alone; NEVER: only an event can."""
DOWN: Verdict = (False, NEVER)
UP: Verdict = (True, NEVER)

Usual = tuple[Stream, float]  # events, and how many of them are usual in the window


def contact_decline(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """The customer is in touch more rarely than before."""
    return _decline_of(c, c.contact, at, up, rules.contact, rules)


def enquiry_decline(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """The customer asks more rarely than before."""
    return _decline_of(c, c.enquiry, at, up, rules.enquiry, rules)


def communication_decline(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """Contacts and enquiries taken together: the customer's side falls silent or stops answering."""
    return _decline_of(c, c.communication, at, up, rules.communication, rules)


def volume_decline(c: Customer, at: int, up: bool, rules: Rules) -> Verdict:
    """The customer spends less: smaller purchases, rarer ones, or none."""
    if c.volume is None or c.orders is None:
        return DOWN
    volume, orders = with_usual(c.volume, rules.volume), with_usual(c.orders, rules.volume)
    tickets = smaller_tickets(volume, orders, rules)
    return _decline(c, at, up, rules.volume, rules, measured=volume, counted=orders, known=tickets)


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
        return (True, first_true(lambda t: stream.observed(t, watch) <= floor, at))
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
    return (up, NEVER if up else min((instant for instant in leave if instant > at), default=NEVER))


Detector = Callable[[Customer, int, bool, Rules], Verdict]
_BY_NUMBER: dict[int, Detector] = {
    CONTACT: contact_decline,
    ENQUIRY: enquiry_decline,
    COMMUNICATION: communication_decline,
    COMPLAINT: complaint_increase,
    BUYERS: active_buyers_decline,
    VOLUME: volume_decline,
}
DETECTORS: tuple[Detector, ...] = tuple(_BY_NUMBER[number] for number in sorted(_BY_NUMBER))
"""By the customer's own past alone; what comes after them in number goes by the risk, in `silence`."""


def decline(seen: float, usual: float, dispersion: float) -> float:
    """Log likelihood ratio, in nats, of so few against the usual. A decayed count varies by half its mean, hence 2."""
    n, m = 2 * seen / dispersion, 2 * usual / dispersion
    return m - n + (n * log(n / m) if n > 0 else 0.0) if n < m else 0.0


def with_usual(stream: Stream, watch: Watch) -> Usual:
    return stream, stream.expected(watch)


def smaller_tickets(volume: Usual, orders: Usual, rules: Rules) -> float:
    """Log likelihood ratio, in nats, of tickets so small against the usual, as of the last purchase."""
    usual, number = volume[1] / orders[1], orders[0].short
    size = max(0.01, volume[0].short / (number * usual))
    return rules.ticket_shape * number * (size - 1 - log(size)) if size < 1 else 0.0


def increase(seen: float, usual: float) -> float:
    """Log likelihood ratio, in nats, of so many against the usual; fresh events have hardly decayed: each is one."""
    return seen * log(seen / usual) - seen + usual if seen > usual else 0.0


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


def _decline_of(c: Customer, stream: Stream | None, at: int, up: bool, watch: Watch, rules: Rules) -> Verdict:
    if stream is None:
        return DOWN
    events = with_usual(stream, watch)
    return _decline(c, at, up, watch, rules, measured=events, counted=events)


def _decline(
    c: Customer, at: int, up: bool, watch: Watch, rules: Rules, *, measured: Usual, counted: Usual, known: float = 0.0
) -> Verdict:
    """`counted`: the events that prove it; `known`: nats that silence does not change."""
    (stream, usual), (counts, number) = measured, counted
    if up and stream.observed(at, watch) < watch.clear_ratio * usual:
        return UP  # the ratio only falls in silence
    if known + decline(0.0, number, watch.dispersion) < watch.strength:  # even absence would say too little
        return DOWN
    limit = watch.raise_ratio * usual
    wait = max(0.0, watch.window_days * log(max(1e-300, stream.short / limit)))
    early = max(stream.at + round(wait * DAY) - SECOND, c.since + round(rules.min_age_days * DAY))
    if at < early:
        return (False, early)

    def is_low(instant: int) -> bool:
        if stream.observed(instant, watch) > limit:
            return False
        return known + decline(counts.observed(instant, watch), number, watch.dispersion) >= watch.strength

    return UP if is_low(at) else (False, first_true(is_low, at))

"""How many of the regular buyers of an account still buy, and when may time alone change the answer?

A verdict says whether the sign is up, and the earliest instant, if nothing happens, at which it may be otherwise. That
instant may be early (a look costs little) and never late: looking at it alone gives the same answers as looking always.
"""

from collections.abc import Callable

from services.analytics.rules import Rules
from services.analytics.state import DAY, NEVER, Buyer, Customer

HORIZON_DAYS = 20 * 365  # later than this nothing is awaited

Verdict = tuple[bool, int]
"""Whether the sign is up, and the instant from which that may change by time alone; NEVER: only an event can."""
DOWN: Verdict = (False, NEVER)
UP: Verdict = (True, NEVER)


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

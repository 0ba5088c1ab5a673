"""How many of the regular buyers of an account still buy, and when may time alone change the answer?

A verdict says whether the sign is up, and the earliest instant, if nothing happens, at which it may be otherwise. That
instant may be early (a look costs little) and never late: looking at it alone gives the same answers as looking always.
"""

from services.analytics.rules import Rules
from services.analytics.state import DAY, NEVER, Buyer, Customer

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

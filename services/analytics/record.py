"""How one observation changes what is remembered of a customer, and which detectors it concerns.

Total: a late, repeated, empty or absurd observation is counted for what it is worth, and nothing is ever raised.
"""

import re
from hashlib import blake2b

import msgspec

from services.analytics.rules import Rules, Watch
from services.analytics.state import (
    MAX_BUYERS,
    MAX_MINOR,
    MAX_WALLETS,
    NEVER,
    YEAR_DAYS,
    Buyer,
    Customer,
    Occasions,
    Stream,
    Wallet,
    days,
)
from shared.contracts.values import Defector

# Detectors, in the order of `services.analytics.signs.DETECTORS`.
CONTACT, ENQUIRY, COMMUNICATION, COMPLAINT, BUYERS, VOLUME, ATTRITION, DEEP = range(8)
NONE: tuple[int, ...] = ()
PURCHASE = (BUYERS, VOLUME)
DEFECTORS = frozenset(Defector)
CURRENCY = re.compile(r"[A-Z]{3}")


class Observation(msgspec.Struct, frozen=True, gc=False):
    """A recorded input of one customer, as far as the judgement uses it."""

    customer: str
    at: int  # microseconds since 1970, UTC
    kind: str  # enquiry, contact, complaint, purchase, lapse, satisfaction, alert-acknowledged, alert-snoozed
    evidence: str  # "<source>|<id>" of the channel's event
    inbound: bool = True
    amount_minor: int = 0
    currency: str | None = None
    account: str | None = None
    buyer: str | None = None
    segment: str | None = None
    defector: str | None = None  # what a complaint is about, why a customer left
    alert: str | None = None  # of the alert commands: the id of any message of the alert
    until: int | None = None
    reason: str | None = None


def newcomer(customer: str, at: int) -> Customer:
    return Customer(id=customer, since=at, now=at, dues=[NEVER] * (DEEP + 1))


def record(c: Customer, o: Observation, rules: Rules) -> tuple[int, ...]:
    """Remembers the observation. Returns the detectors whose verdict it may change; only its own kind is touched."""
    if o.defector in DEFECTORS:
        c.cause = o.defector
    if o.segment is not None:
        c.segment = o.segment
    touched = _counted(c, o, rules)
    if not is_occasion(o, rules):
        return touched
    c.occasions = c.occasions or Occasions(first=o.at, last=o.at, opened=o.at)
    c.occasions.add(o.at, o.evidence, rules.volume.kept, rules.horizon_days)
    c.occasions.spend(o.at, min(MAX_MINOR, max(0, o.amount_minor)), o.currency)
    return (*touched, ATTRITION, DEEP)


def is_occasion(o: Observation, rules: Rules) -> bool:
    """Is it that whose absence is the lapse?"""
    return o.kind == rules.target and o.inbound


def begins_again(c: Customer, o: Observation, rules: Rules) -> bool:
    """A lapsed customer who buys is back; a purchase from before the lapse that comes late says nothing of the kind."""
    return c.lapsed_at is not None and is_occasion(o, rules) and o.at >= c.lapsed_at


def restart(c: Customer, at: int) -> None:
    """A new course: the past that ended in a lapse is no measure for it, except for what is usually spent."""
    c.since, c.lapsed_at, c.up, c.cause = at, None, 0, None
    c.contact = c.enquiry = c.communication = c.complaint = c.volume = c.orders = c.occasions = None
    c.buyers = []
    c.dues = [NEVER] * len(c.dues)


def ends(c: Customer, o: Observation) -> bool:
    """A lapse of a customer who has bought since is news of the past."""
    return o.kind == "lapse" and (c.occasions is None or o.at >= c.occasions.last)


def _counted(c: Customer, o: Observation, rules: Rules) -> tuple[int, ...]:
    """In the streams of its kind."""
    if o.kind == "purchase":
        return _purchase(c, o, rules)
    if o.kind == "contact" and o.inbound:
        c.contact = _added(c, c.contact, o, rules.contact)
        c.communication = _added(c, c.communication, o, rules.communication)
        return (CONTACT, COMMUNICATION)
    if o.kind == "enquiry":
        c.enquiry = _added(c, c.enquiry, o, rules.enquiry)
        c.communication = _added(c, c.communication, o, rules.communication)
        return (ENQUIRY, COMMUNICATION)
    if o.kind == "complaint":
        c.complaints.add(o.at, rules.horizon_days)
        c.complaint = _added(c, c.complaint, o, rules.complaint)
        return (COMPLAINT,)
    return NONE


def _added(c: Customer, stream: Stream | None, o: Observation, watch: Watch, weight: float = 1.0) -> Stream:
    stream = stream or Stream(at=c.since)
    stream.add(max(o.at, c.since), weight, o.evidence, watch)
    return stream


def _purchase(c: Customer, o: Observation, rules: Rules) -> tuple[int, ...]:
    c.volume = _added(c, c.volume, o, rules.volume, _tickets(c, o, rules))
    c.orders = c.orders or Stream(at=c.since)
    c.orders.add(max(o.at, c.since), 1.0, None, rules.volume)
    if o.buyer is not None:
        _buyer(c, o, o.buyer)
    return PURCHASE


def _tickets(c: Customer, o: Observation, rules: Rules) -> float:
    """The amount in usual tickets of its currency: 1 for the first, and where there is no currency."""
    amount = min(MAX_MINOR, max(0, o.amount_minor))
    for wallet in c.wallets:
        if wallet.currency == o.currency:
            return wallet.add(o.at, amount, rules.ticket_cap)
    if o.currency is None or not CURRENCY.fullmatch(o.currency):
        return 1.0
    if len(c.wallets) == MAX_WALLETS:
        c.wallets.remove(min(c.wallets, key=lambda w: (w.at, w.currency)))
    wallet = Wallet(currency=o.currency, first=o.at, at=o.at, ticket=amount)
    c.wallets.append(wallet)
    return wallet.add(o.at, amount, rules.ticket_cap)


def _buyer(c: Customer, o: Observation, name: str) -> None:
    hashed = int.from_bytes(blake2b(name.encode(), digest_size=6).digest(), "big")
    known = next((b for b in c.buyers if b.name == hashed), None)
    if known is not None:
        known.add(o.at, o.evidence)
        return
    # People change jobs: who has not bought for a year is no regular any more. Only a purchase of somebody new forgets
    # them, so an account that has gone silent as a whole stays as it was.
    c.buyers = [b for b in c.buyers if days(o.at - b.last) <= YEAR_DAYS]
    if len(c.buyers) == MAX_BUYERS:
        c.buyers.remove(min(c.buyers, key=lambda b: (b.last, b.name)))
    c.buyers.append(Buyer(name=hashed, first=o.at, last=o.at, evidence=o.evidence))

"""How one observation changes what is remembered of a customer, and which detectors it concerns.

Total: a late, repeated, empty or absurd observation is counted for what it is worth, and nothing is ever raised.
"""

import re
from hashlib import blake2b

import msgspec

from services.analytics.rules import Rules
from services.analytics.state import (
    MAX_BUYERS,
    MAX_MINOR,
    MAX_WALLETS,
    WEEK,
    YEAR_DAYS,
    Buyer,
    Customer,
    Events,
    Occasions,
    Ring,
    Sizes,
    Wallet,
    days,
    remember,
)
from shared.contracts.analytics import MAX_EVIDENCE
from shared.contracts.values import Defector

# Signs, by the bit that says they are up. Of the first DETECTORS time alone may make a difference at any instant;
# the others are changes of pace, in the order of `services.analytics.changes.SIGNS`.
BUYERS, ATTRITION, DEEP, CONTACT, ENQUIRY, COMMUNICATION, COMPLAINT, VOLUME, LAPSE = range(9)
NONE: tuple[int, ...] = ()
KEPT = 3  # ids of the newest events, as evidence
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
    return Customer(id=customer, since=at, now=at)


def record(c: Customer, o: Observation, rules: Rules) -> tuple[int, ...]:
    """Remembers the observation. Returns the signs that it may bring up or take down; only its own kind is touched."""
    if o.defector in DEFECTORS:
        c.cause = o.defector
    if o.segment is not None:
        c.segment = o.segment
    touched = _counted(c, o, rules)
    if not is_occasion(o, rules):
        return touched
    c.occasions = c.occasions or Occasions(first=o.at, last=o.at, opened=o.at)
    c.occasions.add(o.at, rules.horizon_days)
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
    fresh = newcomer(c.id, at)
    c.since, c.lapsed_at, c.declared, c.up, c.cause = at, None, None, 0, None
    c.contact = c.enquiry = c.complaint = c.purchase = c.occasions = None
    c.buyers, c.communicated, c.is_late = [], [], False
    c.dues, c.changes, c.told = fresh.dues, fresh.changes, fresh.told


def ends(c: Customer, o: Observation) -> bool:
    """A lapse of a customer who has bought since is news of the past."""
    return o.kind == "lapse" and (c.occasions is None or o.at >= c.occasions.last)


def _counted(c: Customer, o: Observation, rules: Rules) -> tuple[int, ...]:
    """By weeks, with what is of its kind."""
    if o.kind == "purchase":
        return _purchase(c, o)
    if o.kind == "contact" and o.inbound:
        c.contact = _added(c, c.contact, o)
        _communicated(c, o, CONTACT)
        return (CONTACT, COMMUNICATION, LAPSE)
    if o.kind == "enquiry":
        c.enquiry = _added(c, c.enquiry, o)
        _communicated(c, o, ENQUIRY)
        return (ENQUIRY, COMMUNICATION, LAPSE)
    if o.kind == "complaint":
        c.complaints.add(o.at, rules.horizon_days)
        c.complaint = _added(c, c.complaint, o, MAX_EVIDENCE, first_counts=True)
        return (COMPLAINT,)
    return NONE


def _added(
    c: Customer, known: Events | None, o: Observation, kept: int = KEPT, *, first_counts: bool = False
) -> Events:
    """What came in the week of the first acquaintance is not counted: it is why there is one. Complaints are counted:
    nobody has to wait with them."""
    first = c.since // WEEK
    known = known or Events(at=c.since, counts=Ring(week=first))
    c.is_late = c.is_late or o.at < known.at
    known.add(o.at, o.evidence, kept, is_counted=first_counts or o.at // WEEK > first)
    return known


def _communicated(c: Customer, o: Observation, sign: int) -> None:
    """Its id stands with its kind already; here is only in which order the two kinds came."""
    newest = max((events.at for events in (c.contact, c.enquiry) if events is not None), default=o.at)
    is_late = o.at < newest
    c.is_late = c.is_late or is_late
    remember(c.communicated, sign, late=is_late, kept=KEPT)


def _purchase(c: Customer, o: Observation) -> tuple[int, ...]:
    c.purchase = _added(c, c.purchase, o)
    _spent(c, o)
    if o.buyer is not None:
        _buyer(c, o, o.buyer)
    return (BUYERS, VOLUME, LAPSE)


def _spent(c: Customer, o: Observation) -> None:
    """In its currency; nothing where there is none."""
    amount = min(MAX_MINOR, max(0, o.amount_minor))
    if o.currency is None or not CURRENCY.fullmatch(o.currency):
        return
    if amount and (c.sizes is None or c.sizes.currency == o.currency):
        week = o.at // WEEK
        c.sizes = c.sizes or Sizes(currency=o.currency, counts=Ring(week=week), sums=Ring(week=week))
        c.sizes.add(o.at, amount)
    wallet = next((w for w in c.wallets if w.currency == o.currency), None)
    if wallet is None:
        if len(c.wallets) == MAX_WALLETS:
            c.wallets.remove(min(c.wallets, key=lambda w: (w.at, w.currency)))
        wallet = Wallet(currency=o.currency, first=o.at, at=o.at)
        c.wallets.append(wallet)
    wallet.add(o.at, amount)


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

"""Whose pace has changed, of what, and how sure is that? Six named signs, each a sum of Bayes factors over the weeks.

In: customers, and what is known of the whole base: the paces that are usual, what each week is worth. Out: for each
sign its strength in nats, as of an instant. A decline is told of who did something before; an increase of
complaints from two of them on.
"""

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

import numpy as np

from services.analytics.calendar import Calendar
from services.analytics.pace import (
    Before,
    Mask,
    Paces,
    Table,
    Weeks,
    before,
    begun_afresh,
    changed_by,
    mean_of,
    smaller,
    summed,
)
from services.analytics.record import COMMUNICATION, COMPLAINT, CONTACT, ENQUIRY, LAPSE, VOLUME
from services.analytics.rules import Change, Rules
from services.analytics.state import DAY, HUNDREDTHS, RING_WEEKS, WEEK, Customer, Events, Ring

SIGNS = (CONTACT, ENQUIRY, COMMUNICATION, COMPLAINT, VOLUME, LAPSE)
NAMES = {
    CONTACT: "contact", ENQUIRY: "enquiry", COMMUNICATION: "communication", COMPLAINT: "complaint", VOLUME: "volume",
    LAPSE: "lapse",
}  # fmt: skip
STREAMS_OF = {
    CONTACT: ("contact",), ENQUIRY: ("enquiry",), COMMUNICATION: ("communication",), COMPLAINT: ("complaint",),
    VOLUME: ("purchase",), LAPSE: ("purchase", "communication"),
}  # fmt: skip
FEWER = (0.15, 0.4)  # times what was usual
MORE = (4.0, 9.0)
SMALLER = ((0.75, 0.8), (0.5, 0.4), (0.9, 0.9), (0.8, 0.5))  # purchases times what was usual, ln of tickets less by
GONE = ((0.05, 0.05), (0.3, 0.1), (0.05, 0.3))  # purchases, contacts and enquiries times what was usual
COMPLAINT_WEEKS, LEAST_COMPLAINTS = 12, 2


class Proof(NamedTuple):
    """Of one sign of one customer. The window is the one that speaks most for a change; `since` its first week. Figures
    are counts, of `VOLUME` purchases in usual tickets. `ticket`: the usual one, minor units; 0 where none is known."""

    since: int
    observed: float
    expected: float
    strength: float
    ticket: float = 0.0


def strengths(
    some: Sequence[Customer], at: int, paces: Paces, calendar: Calendar, numbers: Sequence[int] = SIGNS
) -> Table:
    """(customers, signs) as of an instant, micros; nats, never below zero."""
    factors = _Factors(some, at, paces, calendar)
    said = np.stack([summed(factors.of(number)) for number in numbers], axis=1)
    rounded: Table = np.maximum(0.0, said).round(4) + 0.0
    return rounded


def is_up(number: int, strength: float, was_up: bool, rules: Rules) -> bool:
    """Comes up with so much strength; goes down when next to nothing is left of it."""
    if strength >= change_of(number, rules).strength:
        return True
    return was_up and strength >= rules.change_clear


def up_with(up: int, numbers: Sequence[int], strengths_: Sequence[float], rules: Rules) -> int:
    """The signs that are up, a bit each, where some changes of pace have these strengths."""
    for number, strength in zip(numbers, strengths_, strict=True):
        bit = 1 << number
        up = up | bit if is_up(number, strength, up & bit > 0, rules) else up & ~bit
    return up


def told_long_ago(told: Sequence[int], at: int, rules: Rules) -> int:
    """The signs, a bit each, of which nothing has been said for a while. `told`: last when; 0: never."""
    before_ = at - round(rules.told_again_days * DAY)
    return sum(1 << number for number, when in zip(SIGNS, told, strict=True) if 0 < when <= before_)


def probability(number: int, strength: float, rules: Rules) -> float:
    """P(the pace has changed), given how often one changes."""
    return 1 / (1 + exp(-strength - log(change_of(number, rules).a_week)))


def change_of(number: int, rules: Rules) -> Change:
    of: Change = getattr(rules, NAMES[number])
    return of


def proof(c: Customer, number: int, at: int, paces: Paces, calendar: Calendar) -> Proof:
    """What speaks for a sign, as `strengths` has it."""
    factors = _Factors([c], at, paces, calendar).of(number)[0]
    weeks = int(np.argmax(factors)) + 1
    seen = [_observed(c, stream, at, weeks, paces, calendar) for stream in STREAMS_OF[number]]
    observed, expected = (sum(each) for each in zip(*seen, strict=True))
    size, ticket = _size(c, at, weeks) if number == VOLUME else (1.0, 0.0)
    strength = max(0.0, float(summed(factors[None, :])[0]))
    return Proof(at // WEEK + 1 - weeks, observed * size, expected, strength, ticket)


def _observed(c: Customer, stream: str, at: int, weeks: int, paces: Paces, calendar: Calendar) -> tuple[float, float]:
    """(how many in the last weeks, how many by the pace before them)."""
    (counts, days), prior = _counted([c], stream, at, calendar), paces.of(stream)
    observed, length = float(counts.recent[0, :weeks].sum()), float(days.recent[0, :weeks].sum())
    earlier, earlier_days = float(counts.total[0]) - observed, float(days.total[0]) - length
    return observed, length * (prior.events + earlier) / (prior.days + earlier_days)


class _Factors:
    """ln Bayes factors of some customers: a row for each, a column per window; -inf where a window says nothing."""

    def __init__(self, some: Sequence[Customer], at: int, paces: Paces, calendar: Calendar) -> None:
        self._some, self._at, self._paces, self._calendar = some, at, paces, calendar
        self._known: dict[str, Before] = {}

    def of(self, number: int) -> Table:
        before_, *others = map(self._before, STREAMS_OF[number])
        if number == LAPSE:
            return _gone(before_, *others)
        if number == VOLUME:
            return self._smaller(before_)
        return _more(before_) if number == COMPLAINT else _fewer(before_)

    def _smaller(self, purchase: Before) -> Table:
        sizes, variance = _sizes(self._some, self._at), self._paces.ticket_variance
        falls = [changed_by(purchase, by) + smaller(*sizes, variance, fall) for by, fall in SMALLER]
        return _where(purchase.is_known, mean_of(falls))

    def _before(self, stream: str) -> Before:
        if stream not in self._known:
            weeks = _counted(self._some, stream, self._at, self._calendar)
            self._known[stream] = before(*weeks, self._paces.of(stream))
        return self._known[stream]


def _fewer(b: Before) -> Table:
    return _where(b.is_known, mean_of([changed_by(b, ratio) for ratio in FEWER]))


def _more(b: Before) -> Table:
    said = _where(
        b.is_there & (b.seen >= LEAST_COMPLAINTS), mean_of([*(changed_by(b, ratio) for ratio in MORE), begun_afresh(b)])
    )
    said[:, COMPLAINT_WEEKS:] = -np.inf
    return said


def _gone(purchase: Before, communication: Before) -> Table:
    ways = [changed_by(purchase, one) + changed_by(communication, other) for one, other in GONE]
    return _where(purchase.is_known | communication.is_known, mean_of(ways))


def _where(is_told: Mask, factors: Table) -> Table:
    said: Table = np.where(is_told, factors, -np.inf)
    return said


def _counted(some: Sequence[Customer], stream: str, at: int, calendar: Calendar) -> tuple[Weeks, Weeks]:
    first = np.array([float(c.since // WEEK + (stream != "complaint")) for c in some])
    if stream == "communication":
        one, other = (_rings([_ring(getattr(c, name)) for c in some], at) for name in ("contact", "enquiry"))
        counts = Weeks(one.recent + other.recent, one.total + other.total)
    else:
        counts = _rings([_ring(getattr(c, stream)) for c in some], at)
    return counts, calendar.weeks(stream, first, at)


def _ring(events: Events | None) -> Ring | None:
    return None if events is None else events.counts


def _rings(rings: Sequence[Ring | None], at: int) -> Weeks:
    recent, total = np.zeros((len(rings), RING_WEEKS)), np.zeros(len(rings))
    for place, ring in enumerate(rings):
        if ring is not None:
            total[place], recent[place] = ring.recent(at // WEEK + 1)
    return Weeks(recent, total)


def _sizes(some: Sequence[Customer], at: int) -> tuple[Table, Table, Table, Table]:
    """(mean, number) of ln tickets in each window, and before it."""
    rings = [(None, None) if c.sizes is None else (c.sizes.sums, c.sizes.counts) for c in some]
    sums, counts = (_rings(column, at) for column in zip(*rings, strict=True))
    total, number = (np.cumsum(each.recent, axis=1) for each in (sums, counts))
    earlier, earlier_number = sums.total[:, None] - total, counts.total[:, None] - number
    mean, earlier_mean = total / np.maximum(1, number), earlier / np.maximum(1, earlier_number)
    return mean / HUNDREDTHS, number, earlier_mean / HUNDREDTHS, earlier_number


def _size(c: Customer, at: int, weeks: int) -> tuple[float, float]:
    """(of the tickets in the window, over the usual; the usual one, minor units)."""
    mean, number, usual, known = (float(column[0, weeks - 1]) for column in _sizes([c], at))
    if not known:
        return 1.0, 0.0
    return (exp(mean - usual) if number else 1.0), exp(usual) - 1

"""Whose pace has changed, of what, and how sure is that? Six named signs, each a sum of Bayes factors over the weeks.

In: customers, and what is known of the whole base: the paces that are usual, what each week is worth. Out: for each
sign its strength in nats, as of an instant. A decline is told of who did something before; an increase of
complaints from two of them on.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, reduce
from math import exp, log
from operator import add, or_
from typing import NamedTuple

import numpy as np

from services.analytics.calendar import Calendar
from services.analytics.pace import (
    Before,
    Mask,
    Paces,
    Prior,
    Split,
    Table,
    Tickets,
    Weeks,
    before,
    begun_afresh,
    changed_by,
    fall_of,
    mean_of,
    smaller,
    summed,
)
from services.analytics.record import COMMUNICATION, COMPLAINT, CONTACT, ENQUIRY, LAPSE, VOLUME
from services.analytics.rings import by_week
from services.analytics.rules import Change, Rules
from services.analytics.state import DAY, HUNDREDTHS, WEEK, Customer, Ring

SIGNS = (CONTACT, ENQUIRY, COMMUNICATION, COMPLAINT, VOLUME, LAPSE)
NAMES = {
    CONTACT: "contact", ENQUIRY: "enquiry", COMMUNICATION: "communication", COMPLAINT: "complaint", VOLUME: "volume",
    LAPSE: "lapse",
}  # fmt: skip
STREAMS_OF = {
    CONTACT: ("contact",), ENQUIRY: ("enquiry",), COMMUNICATION: ("contact", "enquiry"), COMPLAINT: ("complaint",),
    VOLUME: ("purchase",), LAPSE: ("purchase", "contact", "enquiry"),
}  # fmt: skip
FEWER = {  # times what was usual of each of these streams, in one way or another
    CONTACT: ((0.15,), (0.4,)), ENQUIRY: ((0.15,), (0.4,)), COMMUNICATION: ((0.15, 0.15), (0.4, 0.4)),
    LAPSE: ((0.05, 0.05, 0.05), (0.3, 0.1, 0.1), (0.05, 0.3, 0.3)),
}  # fmt: skip
MORE = (4.0, 9.0)
SMALLER = ((0.75, 0.8), (0.5, 0.4), (0.9, 0.9), (0.8, 0.5))  # purchases times what was usual, ln of tickets less by
COMPLAINT_WEEKS, LEAST_COMPLAINTS = 17, 2


class Proof(NamedTuple):
    """Of one sign of one customer. The window is the one that speaks most for a change; `since` its first week. Figures
    are counts, of `VOLUME` purchases in usual tickets; what the customer never did is not missed. `happened`: events in
    the window. `ticket`: the usual one, minor units; 0 where none is known."""

    since: int
    observed: float
    expected: float
    strength: float
    happened: int
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


def proofs(c: Customer, numbers: Sequence[int], at: int, paces: Paces, calendar: Calendar) -> dict[int, Proof]:
    """What speaks for signs that are up, as `strengths` has it."""
    factors = _Factors([c], at, paces, calendar)
    return {number: _proof(factors, number, at, paces) for number in numbers}


def _proof(factors: "_Factors", number: int, at: int, paces: Paces) -> Proof:
    said = factors.of(number)
    weeks = int(np.argmax(said[0])) + 1
    used = [stream for stream in STREAMS_OF[number] if factors.counts(stream).total[0] > 0]
    seen = [_observed(factors, stream, weeks, paces.of(stream)) for stream in used]
    observed, expected = sum(each for each, _ in seen), sum(each for _, each in seen)
    size, ticket = _size(factors, weeks) if number == VOLUME else (1.0, 0.0)
    strength = max(0.0, float(summed(said)[0]))
    return Proof(at // WEEK + 1 - weeks, observed * size, expected, strength, round(observed), ticket)


def _observed(factors: "_Factors", stream: str, weeks: int, prior: Prior) -> tuple[float, float]:
    """(how many in the last weeks, how many by the pace before them), of one customer."""
    counts, days = factors.counts(stream), factors.days(stream)
    observed, length = float(counts.recent[0, :weeks].sum()), float(days.recent[0, :weeks].sum())
    earlier, earlier_days = float(counts.total[0]) - observed, float(days.total[0]) - length
    return observed, length * (prior.events + earlier) / (prior.days + earlier_days)


def _size(factors: "_Factors", weeks: int) -> tuple[float, float]:
    """(of the tickets in the window, over the usual; the usual one, minor units)."""
    mean, number, usual, known, _ = (float(column[0, weeks - 1]) for column in factors.sizes)
    if not known:
        return 1.0, 0.0
    return (exp(mean - usual) if number else 1.0), exp(usual) - 1


class _Factors:
    """ln Bayes factors of some customers: a row for each, a column per window; -inf where a window says nothing. What
    is counted is read once for all signs."""

    def __init__(self, some: Sequence[Customer], at: int, paces: Paces, calendar: Calendar) -> None:
        self._some, self._at, self._paces, self._calendar = some, at, paces, calendar
        self._since = np.array([c.since for c in some]) // WEEK
        self._counts: dict[str, Weeks] = {}
        self._days: dict[str, Weeks] = {}
        self._known: dict[str, Before] = {}

    def of(self, number: int) -> Table:
        streams = [self._before(stream) for stream in STREAMS_OF[number]]
        if number == VOLUME:
            return _smaller(streams[0], self.sizes, self._paces.tickets)
        return _more(streams[0]) if number == COMPLAINT else _fewer(streams, FEWER[number])

    def counts(self, stream: str) -> Weeks:
        if stream not in self._counts:
            events = [getattr(c, stream) for c in self._some]
            self._counts[stream] = self._rings([None if each is None else each.counts for each in events])
        return self._counts[stream]

    def days(self, stream: str) -> Weeks:
        if stream not in self._days:
            first = self._since + (stream != "complaint")
            self._days[stream] = self._calendar.weeks(stream, first.astype(np.float64), self._at)
        return self._days[stream]

    @cached_property
    def sizes(self) -> Split:
        sums = self._rings([None if c.sizes is None else c.sizes.sums for c in self._some])
        counts = self._rings([None if c.sizes is None else c.sizes.counts for c in self._some])
        total, number = (np.cumsum(each.recent, axis=1) for each in (sums, counts))
        earlier, earlier_number = sums.total[:, None] - total, counts.total[:, None] - number
        mean, usual = total / np.maximum(1, number), earlier / np.maximum(1, earlier_number)
        squares = np.array([0 if c.sizes is None else c.sizes.squares for c in self._some], dtype=np.float64)[:, None]
        apart = np.maximum(0.0, squares - total * mean - earlier * usual)
        return Split(mean / HUNDREDTHS, number, usual / HUNDREDTHS, earlier_number, apart / HUNDREDTHS**2)

    def _before(self, stream: str) -> Before:
        if stream not in self._known:
            self._known[stream] = before(self.counts(stream), self.days(stream), self._paces.of(stream))
        return self._known[stream]

    def _rings(self, rings: Sequence[Ring | None]) -> Weeks:
        return by_week(rings, self._at // WEEK + 1)


def _fewer(streams: Sequence[Before], ways: Sequence[Sequence[float]]) -> Table:
    """One decline of them all, each compared with its own past: what was usual and the season differ between them."""

    def factors(*streams: Before) -> list[Table]:
        return [reduce(add, map(changed_by, streams, ratios)) for ratios in ways]

    return _where(reduce(or_, (b.is_known for b in streams)), streams, factors)


def _more(b: Before) -> Table:
    is_told = b.is_there & (b.seen >= LEAST_COMPLAINTS)
    is_told[:, COMPLAINT_WEEKS:] = False
    return _where(is_told, [b], lambda b: [*(changed_by(b, ratio) for ratio in MORE), begun_afresh(b)])


def _smaller(purchase: Before, sizes: Split, law: Tickets) -> Table:
    def ways(b: Before) -> list[Table]:
        fall = fall_of(sizes.only(purchase.is_known), law)
        return [changed_by(b, ratio) + smaller(fall, by) for ratio, by in SMALLER]

    return _where(purchase.is_known, [purchase], ways)


def _where(is_told: Mask, of: Sequence[Before], ways: Callable[..., list[Table]]) -> Table:
    """The mean of the ways in which a pace may have changed, worked out only where it says something."""
    said = np.full(is_told.shape, -np.inf)
    said[is_told] = mean_of(ways(*(b.only(is_told) for b in of)))
    return said

"""Has the pace of a stream of events changed, and since when? A Shiryaev-Roberts sum of Gamma-Poisson Bayes factors.

In: counts by week, newest first, of many customers at once, and the days that each week is worth. Out, in nats: for
each window of the last 1, 2, ... weeks how much likelier the counts are if the pace changed at its beginning by one of
some ratios. The pace before is learnt strictly before the window: a Gamma law of the base, and what the customer did.
Counts that scatter more than Poisson ones say less about it, and in the window the pace may be another by so much.
"""

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

Table = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BLOCK_DAYS = 28.0  # by which overdispersion is measured
FRESH_EVENTS, FRESH_DAYS = 1.5, 45.0  # what a pace is taken for that owes nothing to the one before


class Prior(msgspec.Struct, frozen=True):
    """The pace before anything is known of a customer: Gamma, so many events in so many days. `scatter`: a count with
    the mean m has the variance m + scatter m^2, over and above what differs between customers."""

    events: float
    days: float
    scatter: float


class Tickets(msgspec.Struct, frozen=True):
    """Logarithms of tickets, minor units: Normal about a customer's own mean, these Normal about `mean` with the
    variance `between`; own variances are about `within`, and as well known beforehand as from so many tickets."""

    mean: float
    between: float
    within: float
    freedom: float


class Paces(msgspec.Struct, frozen=True):
    """By stream, and the tickets of purchases. The figures here are those of a base nobody has seen yet, chosen so that
    they say little."""

    contact: Prior = Prior(0.5, 60.0, 0.1)
    enquiry: Prior = Prior(0.5, 60.0, 0.1)
    complaint: Prior = Prior(0.5, 180.0, 0.1)
    purchase: Prior = Prior(0.5, 60.0, 0.1)
    tickets: Tickets = Tickets(8.0, 10.0, 0.25, 10.0)

    def of(self, stream: str) -> Prior:
        prior: Prior = getattr(self, stream)
        return prior


class Weeks(NamedTuple):
    """A row per customer; a column per week, newest first. `total`: over the whole acquaintance."""

    recent: Table
    total: Table


class Split(NamedTuple):
    """Logarithms of a customer's tickets, in each window and before it: means, how many, and the squares of all about
    the mean on their side, summed."""

    mean: Table
    number: Table
    earlier: Table
    earlier_number: Table
    squares: Table

    def only(self, windows: Mask) -> "Split":
        return Split._make(each[windows] for each in self)


class Fall(NamedTuple):
    """In which windows anything was bought; of these, by how much tickets lie below what is usual, logarithms, the
    spread of that by Student's law, squared and times the degrees of freedom, and these."""

    is_there: Mask
    seen: Table
    spread: Table
    freedom: Table


class Before(NamedTuple):
    """What the pace would be in each window without a change, Gamma(events, days), and what is in it: events that were
    seen in `length` days."""

    events: Table
    days: Table
    length: Table
    seen: Table
    is_there: Mask  # the window lies within the acquaintance
    is_known: Mask  # and the customer did something before it

    def only(self, windows: Mask) -> "Before":
        """Of some customers and windows, one after another."""
        return Before._make(each[windows] for each in self)


def before(counts: Weeks, days: Weeks, prior: Prior) -> Before:
    """`days`: each week's worth; 0 of those before the acquaintance."""
    count, length = np.cumsum(counts.recent, axis=1), np.cumsum(days.recent, axis=1)
    earlier, earlier_days = counts.total[:, None] - count, days.total[:, None] - length
    is_there = days.recent > 0
    worth = 1 + prior.scatter * BLOCK_DAYS * (prior.events + earlier) / (prior.days + earlier_days)
    events, around = prior.events + earlier / worth, prior.days + earlier_days / worth
    # The pace of one block scatters about the customer's own; both uncertainties together are Gamma by moments. So few
    # events are as likely as they are: were the window's count divided instead, none at all would prove too little.
    scatter = prior.scatter * BLOCK_DAYS / np.maximum(BLOCK_DAYS, length)
    shape = events / (1 + scatter * (1 + events))
    return Before(
        shape,
        shape * around / events,
        length,
        count,
        is_there,
        is_there & (earlier > 0),
    )


def changed_by(b: Before, ratio: float) -> Table:
    """ln Bayes factor of a pace that is `ratio` times what it was, against the same pace."""
    said: Table = b.seen * np.log(ratio) + (b.events + b.seen) * np.log(
        (b.days + b.length) / (b.days + ratio * b.length)
    )
    return said


def begun_afresh(b: Before) -> Table:
    """ln Bayes factor of a pace that has nothing to do with the one before: of who never did it, no ratio tells."""
    afresh = _ln_marginal(np.full_like(b.events, FRESH_EVENTS), np.full_like(b.days, FRESH_DAYS), b)
    said: Table = afresh - _ln_marginal(b.events, b.days, b)
    return said


def fall_of(t: Split, law: Tickets) -> Fall:
    """What is usual, and how unequal tickets are, is learnt from the base, and from what the customer bought; hence
    Student's law."""
    is_there = t.number > 0
    t = t.only(is_there)
    freedom = law.freedom + t.number - 1 + np.maximum(0, t.earlier_number - 1)
    variance = ((law.freedom - 2) * law.within + t.squares) / freedom
    known = 1 / law.between + t.earlier_number / variance
    usual = (law.mean / law.between + t.earlier_number * t.earlier / variance) / known
    return Fall(is_there, usual - t.mean, freedom * (1 / known + variance / t.number), freedom)


def smaller(f: Fall, by: float) -> Table:
    """ln likelihood ratio of tickets that have fallen by so much, logarithms, against no change."""
    said = np.zeros(f.is_there.shape)
    said[f.is_there] = (f.freedom + 1) / 2 * np.log((f.spread + f.seen**2) / (f.spread + (f.seen - by) ** 2))
    return said


def mean_of(alternatives: Sequence[Table]) -> Table:
    """Each is as likely as the others beforehand; nats. One after another: a table of all takes more memory than a
    processor has at hand."""
    most = reduce(np.maximum, alternatives)
    said: Table = np.log(sum(np.exp(each - most) for each in alternatives)) + most - np.log(len(alternatives))
    return said


def summed(factors: Table) -> Table:
    """The Shiryaev-Roberts statistic of each customer, nats: the sum over windows. -inf where there is none."""
    most = factors.max(axis=1)
    most = np.where(np.isneginf(most), 0.0, most)
    with np.errstate(divide="ignore"):
        said: Table = np.log(np.exp(factors - most[:, None]).sum(axis=1)) + most
    return said


def _ln_marginal(events: Table, days: Table, b: Before) -> Table:
    """Of the window's count under a Gamma law of its pace, up to what does not depend on the law."""
    said: Table = (
        gammaln(events + b.seen) - gammaln(events) + events * np.log(days) - (events + b.seen) * np.log(days + b.length)
    )
    return said

"""What is known of one customer's occasions, in numbers: the row that the models are fitted to and judge by.

A row is plain and exact: it is published, so that whoever reads it fits the same model, and it holds no figure of any
model. Occasions are days since 1970, gaps and squares days, amounts in main units of the customer's own currency.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from services.analytics.state import DAY, WEEK, Customer

Table = npt.NDArray[np.float64]
"""A row per customer, columns as in `Numbers` without the customer."""


class Counts(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is learnt of usual paces from. `first`: the week after that of the acquaintance, from which on events are
    counted, up to a week; `last_week`: in the week before it. In the order contacts, enquiries, complaints, purchases.
    Tickets: how many, and sums of their logarithms in hundredths and of the squares."""

    first: int
    total: tuple[int, int, int, int]
    last_week: tuple[int, int, int, int]
    tickets: tuple[int, int, int]


class Numbers(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One customer at an instant. `fast` and `slow` count occasions that fade within a quarter of the horizon and
    within all of it, as of `last`; `complaints_fast` complaints, as of `complained`; then the strengths of changes of
    pace, nats, as of the last look."""

    customer: str
    first: int
    last: int
    opened: int  # first occasion of the calendar week that `last` is in
    complained: int  # 0: never
    repeats: int
    squares: float
    gap: float
    fast: float
    slow: float
    mean: float
    ticket: float
    complaints: int
    complaints_fast: float
    contact: float
    enquiry: float
    communication: float
    complaint: float
    volume: float
    lapse: float
    counts: Counts | None = None  # of a row that is published


class Columns(NamedTuple):
    """A table by its columns."""

    first: Table
    last: Table
    opened: Table
    complained: Table
    repeats: Table
    squares: Table
    gap: Table
    fast: Table
    slow: Table
    mean: Table
    ticket: Table
    complaints: Table
    complaints_fast: Table
    contact: Table
    enquiry: Table
    communication: Table
    complaint: Table
    volume: Table
    lapse: Table


MINOR = 100  # of a main unit, more or less: it only scales


def numbers(c: Customer, until: int | None = None) -> Numbers | None:
    """None of a customer without an occasion. `until`: a week, with the counts of those before it."""
    p = c.occasions
    if p is None:
        return None
    return Numbers(
        c.id,
        p.first // DAY,
        p.last // DAY,
        p.opened // DAY,
        c.complaints.at // DAY,
        p.repeats,
        round(p.squares, 6),
        round(p.gap, 6),
        round(p.recent.fast, 6),
        round(p.recent.slow, 6),
        round(p.spent / max(1, p.tickets) / MINOR, 6),
        p.ticket / MINOR,
        c.complaints.count,
        round(c.complaints.fast, 6),
        *c.changes,
        counts=None if until is None else _counts(c, until),
    )


def table(rows: list[Numbers]) -> Table:
    made = np.array([msgspec.structs.astuple(row)[1:-1] for row in rows], dtype=np.float64)
    return made.reshape(-1, len(Columns._fields))


def columns(of: Table) -> Columns:
    return Columns(*of.T)


def of_all(some: Iterable[Customer]) -> Columns:
    """Of customers who all have an occasion."""
    return columns(table([row for c in some if (row := numbers(c)) is not None]))


def _counts(c: Customer, until: int) -> Counts:
    seen = [(0, [0]) if events is None else events.counts.recent(until) for events in (
        c.contact, c.enquiry, c.complaint, c.purchase
    )]  # fmt: skip
    one, two, three, four = ((total, recent[0]) for total, recent in seen)
    sizes = (0, 0, 0) if c.sizes is None else (c.sizes.counts.total, c.sizes.sums.total, c.sizes.squares)
    total, last_week = zip(one, two, three, four, strict=True)
    return Counts(c.since // WEEK + 1, total, last_week, sizes)

"""What is known of one customer's occasions, in numbers: the row that the models are fitted to and judge by.

A row is plain and exact: it is published, so that whoever reads it fits the same model, and it holds no figure of any
model. Occasions are days since 1970, gaps and squares days, amounts in main units of the customer's own currency.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from services.analytics.state import DAY, WEEK, Customer, Occasions

Table = npt.NDArray[np.float64]
"""A row per customer, columns as in `Numbers` without the customer."""
N = TypeVar("N", float, Table)


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
    counts: Counts


class Columns(NamedTuple, Generic[N]):
    """A table by its columns, or one row of it."""

    first: N
    last: N
    opened: N
    complained: N
    repeats: N
    squares: N
    gap: N
    fast: N
    slow: N
    mean: N
    ticket: N
    complaints: N
    complaints_fast: N
    contact: N
    enquiry: N
    communication: N
    complaint: N
    volume: N
    lapse: N


MINOR = 100  # of a main unit, more or less: it only scales
DIGITS = 6
ROUNDED = tuple(map(Numbers.__struct_fields__.index, ("squares", "gap", "fast", "slow", "mean", "complaints_fast")))


def numbers(c: Customer, p: Occasions, until: int) -> Numbers:
    """To be published, with the counts before the week `until`."""
    row: list[Any] = [c.id, *_figures(c, p), _counts(c, until)]
    for place in ROUNDED:
        row[place] = round(row[place], DIGITS)
    return Numbers(*row)


def figures(c: Customer, p: Occasions) -> Columns[float]:
    return Columns._make(_figures(c, p))


def _figures(c: Customer, p: Occasions) -> tuple[float, ...]:
    """In the order of `Columns`: a name for each of them would take longer than the figures."""
    return (
        p.first // DAY,
        p.last // DAY,
        p.opened // DAY,
        c.complaints.at // DAY,
        p.repeats,
        p.squares,
        p.gap,
        p.recent.fast,
        p.recent.slow,
        p.spent / max(1, p.tickets) / MINOR,
        p.ticket / MINOR,
        c.complaints.count,
        c.complaints.fast,
        *c.changes,
    )


def table(rows: list[Numbers]) -> Table:
    return _table([msgspec.structs.astuple(row)[1:-1] for row in rows])


def columns(of: Table) -> Columns[Table]:
    return Columns(*np.ascontiguousarray(of.T))


def of_all(some: Iterable[Customer]) -> Columns[Table]:
    """Of those who have an occasion."""
    return columns(_table([_figures(c, c.occasions) for c in some if c.occasions is not None]))


def _table(rows: Sequence[Sequence[float]]) -> Table:
    return np.array(rows, dtype=np.float64).reshape(-1, len(Columns._fields))


def _counts(c: Customer, until: int) -> Counts:
    one, two, three, four = (
        (0, 0) if events is None else events.counts.before(until)
        for events in (c.contact, c.enquiry, c.complaint, c.purchase)
    )
    sizes = (0, 0, 0) if c.sizes is None else (c.sizes.counts.total, c.sizes.sums.total, c.sizes.squares)
    total, last_week = zip(one, two, three, four, strict=True)
    return Counts(c.since // WEEK + 1, total, last_week, sizes)

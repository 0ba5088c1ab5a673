"""What is known of one customer's occasions, in numbers: the row that the models are fitted to and judge by.

A row is plain and exact: it is published, so that whoever reads it fits the same model, and it holds no figure of any
model. Occasions are days since 1970, gaps and squares days, amounts in main units of the customer's own currency.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from services.analytics.state import DAY, Customer

Table = npt.NDArray[np.float64]
"""A row per customer, columns as in `Numbers` without the customer."""


class Numbers(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One customer at an instant. `fast` and `slow` count occasions that fade within a quarter of the horizon and
    within all of it, as of `last`; `complaints_fast` complaints, as of `complained`."""

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


MINOR = 100  # of a main unit, more or less: it only scales


def numbers(c: Customer) -> Numbers | None:
    """None of a customer without an occasion."""
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
        p.squares,
        p.gap,
        p.recent.fast,
        p.recent.slow,
        p.spent / max(1, p.tickets) / MINOR,
        p.ticket / MINOR,
        c.complaints.count,
        c.complaints.fast,
    )


def table(rows: list[Numbers]) -> Table:
    made = np.array([msgspec.structs.astuple(row)[1:] for row in rows], dtype=np.float64)
    return made.reshape(-1, len(Columns._fields))


def columns(of: Table) -> Columns:
    return Columns(*of.T)


def known(some: Iterable[Customer]) -> Columns:
    """Of customers who all have an occasion."""
    return columns(table([row for c in some if (row := numbers(c)) is not None]))

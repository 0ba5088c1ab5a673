"""What does one partition of the log tell about its customers at an instant, and what comes back for the whole base?

A part holds exact figures and rows chosen by a hash of the customer, never sums of floats. So the base looks the same
however many partitions there are, and whoever combines them.
"""

import zlib
from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import NamedTuple

import msgspec

from services.analytics.calendar import Calendar
from services.analytics.population.model import Model, unfitted
from services.analytics.population.numbers import Numbers
from services.analytics.population.segments import Segments
from services.analytics.rules import WHOLE_BASE, Rules
from services.analytics.state import DAY, WEEK

DELAY = DAY  # a result counts from so long after its instant
MOST_ROWS = 4000  # of the whole base, and so of each part: fits into a message, and into a fit


class Candidate(NamedTuple):
    """`probability`: of the likeliest sign, the risk or P(change); of buyers who are gone, 1. `is_new`: no sign waits
    for more than a week."""

    customer: str
    probability: float
    among: str = WHOLE_BASE  # a segment with places of its own
    is_new: bool = True


class Part(msgspec.Struct, frozen=True):
    """One partition at an instant `week`, micros, a multiple of WEEK. `is_first`: it has told none before.
    Rows: of one in so many customers, in order of id. Segments: of all customers. Candidates for an alert, where their
    number is limited: the likeliest."""

    rules: str
    digest: str
    week: int
    partition: int
    is_first: bool
    customers: int
    one_in: int
    rows: list[Numbers]
    segments: Segments = Segments()
    candidates: list[Candidate] = []


class Result(msgspec.Struct, frozen=True):
    """What holds from `week` + DELAY on. No model: parts were missing, the last model stays. `customers` with an
    occasion, of whom one in `one_in` was looked at."""

    rules: str
    digest: str
    week: int
    customers: int
    one_in: int
    model: Model | None


class Known(NamedTuple):
    """Of the whole base, as far as it is in force."""

    model: Model
    calendar: Calendar


def skipped(rules: Rules, week: int, *, one_in: int = 1) -> Result:
    """Of a week of which nothing is learnt."""
    return Result(rules.name, rules.digest, week, 0, one_in, None)


def next_look(at: int) -> int:
    """The first instant after `at` from which a result counts, micros."""
    return ((at - DELAY) // WEEK + 1) * WEEK + DELAY


def is_chosen(customer: str, one_in: int) -> bool:
    return zlib.crc32(customer.encode()) % one_in == 0


class Sample:
    """One row in so many: in the least power of two that leaves not more than MOST_ROWS of all that there were."""

    def __init__(self, one_in: int = 1) -> None:
        self.one_in = one_in
        self._rows: list[Numbers] = []

    def wants(self, customer: str) -> bool:
        return is_chosen(customer, self.one_in)

    def add(self, row: Numbers) -> None:
        """Of a customer whom it wants."""
        self._rows.append(row)
        while len(self._rows) > MOST_ROWS:
            self.one_in *= 2
            self._rows = [row for row in self._rows if self.wants(row.customer)]

    def rows(self) -> list[Numbers]:
        """In order of id."""
        return sorted(self._rows, key=lambda row: row.customer)


def part_of(
    sample: Sample,
    customers: int,
    segments: Segments,
    candidates: Iterable[Candidate],
    rules: Rules,
    *,
    week: int,
    number: int,
    is_first: bool,
) -> Part:
    """`customers`: with an occasion."""
    few = likeliest(candidates, rules)
    counts = customers, sample.one_in
    return Part(rules.name, rules.digest, week, number, is_first, *counts, sample.rows(), segments, few)


def likeliest(candidates: Iterable[Candidate], rules: Rules) -> list[Candidate]:
    """As many as there are places, in whatever order they come. What is new goes first: who has been waiting has fallen
    silent before, so their risk is higher, and it is later for a warning."""
    by_place: dict[str, list[Candidate]] = {place: [] for place in rules.places()}
    for told in candidates:
        if told.among in by_place:
            by_place[told.among].append(told)
    return [
        told
        for place, most in sorted(rules.places().items())
        for told in nsmallest(most, by_place[place], key=_before_others)
    ]


def _before_others(told: Candidate) -> tuple[bool, float, str]:
    return not told.is_new, -told.probability, told.customer


def chosen(rows: Iterable[Numbers], one_in: int = 1) -> Sample:
    """Of rows of which one in so many has been chosen already."""
    sample = Sample(one_in)
    for row in rows:
        if sample.wants(row.customer):
            sample.add(row)
    return sample


def known_as_of(results: Mapping[int, Result], week: int, rules: Rules) -> Known:
    """By the results up to a week: the newest model, the unfitted one where there is none, and the calendar."""
    models = {at: result.model for at, result in results.items() if at <= week and result.model is not None}
    seasons = {at // WEEK - 1: model.season for at, model in sorted(models.items()) if model.season is not None}
    return Known(models[max(models)] if models else unfitted(rules), Calendar(seasons))

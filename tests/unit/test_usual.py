"""What is learnt of a base is what it was made with: how paces differ between customers, and scatter between months.

Each law is learnt of several simulated bases. How far their mean may lie from the truth follows from how far they lie
from one another: four standard errors.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
import pytest

from services.analytics.calendar import STREAMS, Calendar
from services.analytics.pace import Paces, Table
from services.analytics.population.numbers import Counts, Numbers
from services.analytics.population.usual import LEAST_WEEKS, Usual
from tests.unit.population import START, row

FIRST, WEEKS, MONTH_WEEKS = START // 7 + 1, 52, 4
CUSTOMERS, SEEDS = 1000, range(12)
ERRORS = 4  # standard ones


@dataclass(frozen=True)
class Law:
    """Gamma, of paces: `shape`, and events a day on the average. Months are Gamma about the own pace: of a count with
    the mean m they make the variance m + scatter m^2."""

    shape: float
    mean: float
    scatter: float

    def shape_of_counts(self) -> float:
        """By moments of what is counted in a year: that months differ makes customers differ a little more."""
        return 1 / (1 / self.shape + self.scatter * (1 + 1 / self.shape) * MONTH_WEEKS / WEEKS)


LAWS = {"contact": Law(1.4, 0.07, 0.3), "enquiry": Law(3.0, 0.05, 0.6), "purchase": Law(2.0, 0.05, 0.1)}
POISSON = {"contact": Law(1.4, 0.07, 0), "purchase": Law(3.0, 0.15, 0)}
CALM: Table = np.ones(WEEKS)
WAVES: Table = 1 + 0.5 * np.sin(2 * np.pi * np.arange(WEEKS) / 26)


def paces(seed: int, laws: Mapping[str, Law], season: Table = CALM, calendar: Calendar | None = None) -> Paces:
    """As learnt of customers who have all been known for a year; `season`: what each week has for everybody."""
    rng, usual = np.random.default_rng(seed), Usual()
    counts = np.stack([happened(rng, laws[s], season) if s in laws else none() for s in STREAMS], axis=2)
    total = counts.cumsum(axis=1)
    for week in range(WEEKS - MONTH_WEEKS * (LEAST_WEEKS - 1), WEEKS + 1, MONTH_WEEKS):
        usual = usual.after(FIRST + week, [as_row(n, total[n], counts[n], week) for n in range(CUSTOMERS)])
    return usual.paces(Paces(), calendar or Calendar({}))


def happened(rng: np.random.Generator, law: Law, season: Table) -> Table:
    """Of each customer in each week; the months end with the last week."""
    own = rng.gamma(law.shape, law.mean / law.shape, (CUSTOMERS, 1))
    months = np.ones((CUSTOMERS, WEEKS // MONTH_WEEKS))
    if law.scatter:
        months = rng.gamma(1 / law.scatter, law.scatter, months.shape)
    said: Table = rng.poisson(7 * own * np.repeat(months, MONTH_WEEKS, axis=1) * season).astype(np.float64)
    return said


def none() -> Table:
    return np.zeros((CUSTOMERS, WEEKS))


def as_row(number: int, total: Table, counts: Table, week: int) -> Numbers:
    until, last = (of_streams(each[week - 1]) for each in (total, counts))
    return msgspec.structs.replace(row(f"c-{number:05}", 0, 9, 3), counts=Counts(FIRST, until, last, (0, 0, 0)))


def of_streams(counts: Table) -> tuple[int, int, int, int]:
    contacts, enquiries, complaints, purchases = map(int, counts)
    return contacts, enquiries, complaints, purchases


def near(truth: float, found: Table) -> bool:
    error = float(found.std(ddof=1)) / math.sqrt(len(found))
    return abs(float(found.mean()) - truth) <= ERRORS * error


@pytest.fixture(scope="module")
def learnt() -> list[Paces]:
    return [paces(seed, LAWS) for seed in SEEDS]


@pytest.mark.parametrize("stream", LAWS)
def test_the_law_of_paces_and_their_scatter_are_found_again(learnt: list[Paces], stream: str) -> None:
    law, found = LAWS[stream], [each.of(stream) for each in learnt]
    shape, scatter = np.array([each.events for each in found]), np.array([each.scatter for each in found])
    mean = np.array([each.events / each.days for each in found])
    assert near(law.mean, mean)
    assert near(law.shape_of_counts(), shape)
    assert near(law.scatter, scatter)
    spreads = shape.std() / law.shape, mean.std() / law.mean, scatter.std()
    assert max(spreads) < 0.1, "so wide off the mark is no single base"


def test_of_a_stream_in_which_nothing_ever_happened_nothing_is_learnt(learnt: list[Paces]) -> None:
    assert {Paces().complaint} == {each.complaint for each in learnt}


def test_of_counts_that_are_poisson_no_scatter_is_found() -> None:
    found = [paces(seed, POISSON).of(stream).scatter for seed in SEEDS for stream in POISSON]
    assert max(found) < 0.03, "one base is known to a hundredth"
    assert sum(found) / len(found) < 0.01


def test_a_season_that_is_known_is_no_scatter() -> None:
    known = Calendar({FIRST + week: (ratio,) * len(STREAMS) for week, ratio in enumerate(WAVES.tolist())})
    by_calendar, without = (
        [paces(seed, POISSON, WAVES, calendar).purchase.scatter for seed in SEEDS[:4]] for calendar in (known, None)
    )
    assert max(by_calendar) < 0.03
    assert min(without) > 0.05

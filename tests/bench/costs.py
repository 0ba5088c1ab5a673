"""What do an event, a week and a refit cost analytics, each by itself? They grow with different things: events with
what customers do, weeks with how many customers there are, refits with neither, because rows are limited.

In: a partition that has just been told what follows from a week, the parts it has told of its weeks, and the records
of the days until the next one begins. Out: processor time of each, and the model that it was judged by: fitted to the
parts, of which only the last two are fitted to, the first of them to begin from, as in a base that has been fitted to
before.
"""

import statistics
import time
from collections.abc import Callable, Sequence

import msgspec

from services.analytics.partition import Partition
from services.analytics.population.model import unfitted
from services.analytics.population.part import DELAY, Known, Part, Result, known_as_of
from services.analytics.population.refit import Refit
from services.analytics.state import WEEK
from shared.broker import Record
from tests.bench.profiling import RULES

WEEKS = 3  # are looked at, of which the middle one is told


class Costs(msgspec.Struct, frozen=True):
    """`event_s`: of all records, saves included. `part_s`, `look_s`: of all customers, once. `refit_s`: once, of so
    many rows a week."""

    records: int
    event_s: float
    customers: int
    part_s: float
    look_s: float
    weeks: int
    rows: int
    refit_s: float


def costs(partition: Partition, parts: Sequence[Part], records: Sequence[Record]) -> tuple[Costs, Result]:
    """`records`: no week begins in them."""
    result, refit_s = refitted(parts)
    known = known_as_of({result.week: result}, result.week, RULES)
    partition.core.look(result.week + DELAY, known)  # all that is news with another model
    partition.dump()
    event_s = _taken(lambda: _judge(partition, records))
    looks = [_week(partition, result.week + number * WEEK, known) for number in range(1, WEEKS + 1)]
    part_s, look_s = map(statistics.median_low, zip(*looks, strict=True))
    customers = sum(1 for _ in partition.books.items())
    said = Costs(len(records), event_s, customers, part_s, look_s, len(parts), len(parts[-1].rows), refit_s)
    return said, result


def refitted(parts: Sequence[Part]) -> tuple[Result, float]:
    """What follows from the last part, and how long it took."""
    refit = Refit(RULES, partitions=1)
    *early, before, last = parts
    for part in early:
        refit.take_part(part)
        refit.take_result(Result(RULES.name, RULES.digest, part.week, part.customers, part.one_in, unfitted(RULES)))
    refit.take_part(before)
    refit.take_result(_due(refit))
    refit.take_part(last)
    seconds = _taken(refit.due)
    return _due(refit), seconds


def _due(refit: Refit) -> Result:
    result = refit.due()
    assert result is not None, "the only part is there"
    return result


def _judge(partition: Partition, records: Sequence[Record]) -> None:
    for record in records:
        partition.take(record)
    partition.dump()


def _week(partition: Partition, week: int, known: Known) -> tuple[float, float]:
    """The part and the look; what falls due in between is no part of either."""
    core, at = partition.core, week + DELAY
    core.advance(week)
    part_s = _taken(lambda: core.part(week, number=0, is_first=False))
    core.advance(at)
    look_s = _taken(lambda: core.look(at, known))
    partition.dump()
    return part_s, look_s


def _taken(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began

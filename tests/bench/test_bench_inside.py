"""Of analytics by itself is measured: a log as services would have written it, and figures beside the right ones."""

from pathlib import Path

import pytest

from services.analytics.core import Core, Observation
from services.analytics.partition import Partition
from services.analytics.population.part import Part
from services.analytics.state import WEEK
from tests.bench.costs import Costs, refitted
from tests.bench.facts import everyday_log
from tests.bench.inside import CUSTOMERS, DUE, Inside, middle
from tests.bench.load import BASE_LASTS
from tests.bench.profiling import RULES, SKIPPED
from tests.bench.scores import EveryKind, Scored, every_kind
from tests.bench.state import EVENTS_EACH, Judged, TakenOver, judge, take_over
from tests.unit.attrition import purchase
from tests.unit.planted import Shape

FEW, EVENTS = 60, 600  # a base of fewer is not fitted to
COSTS = Costs(
    records=10_000, event_s=0.2, customers=CUSTOMERS, part_s=2.0, look_s=3.0, weeks=26, rows=4_000, refit_s=0.3
)


def test_the_everyday_log_is_read_without_a_gap_and_every_event_of_it_is_judged() -> None:
    partition = Partition(RULES, history=False, number=0, results=SKIPPED)
    for record in everyday_log(FEW, EVENTS):
        partition.take(record)
    books = dict(partition.books.items())
    assert (FEW, EVENTS) == (len(books), sum(book.inputs for book in books.values()))


def test_time_passes_in_it_day_by_day() -> None:
    days = {record.value for record in everyday_log(FEW, EVENTS) if record.key is None}
    assert 3 * 182 == len(days)


def test_what_one_process_saves_another_takes_over(tmp_path: Path) -> None:
    judged = judge(tmp_path / "state", FEW)
    taken = take_over(tmp_path / "state", 3, 1)
    assert (3, True) == (taken.due, judged.stored_bytes > 0)


def test_what_is_told_of_an_event_has_no_week_in_it(tmp_path: Path) -> None:
    found = judge(tmp_path / "state", FEW).costs
    events_of_six_days = FEW * EVENTS_EACH * 6 // BASE_LASTS.days
    ticks_of_five = 5 * 3
    assert events_of_six_days + ticks_of_five == pytest.approx(found.records, abs=1)
    assert (FEW, BASE_LASTS.days // 7) == (found.customers, found.weeks)
    assert min(found.part_s, found.look_s, found.refit_s) > 0


def test_a_refit_is_that_of_the_last_week_and_takes_the_rows_of_all_weeks() -> None:
    core, parts = Core(RULES), list[Part]()
    for o in sorted((purchase(7 * n + 1 / m, customer=f"c-{m}") for n in range(20) for m in range(1, 80)), key=when):
        core.observe(o)
        if not parts or parts[-1].week + WEEK <= o.at:
            parts.append(core.part(o.at // WEEK * WEEK, number=0, is_first=not parts))
    result, _ = refitted(parts)
    assert parts[-1].week == result.week
    assert result.model is not None
    assert result.model.is_fitted


def when(o: Observation) -> int:
    return o.at


def test_a_figure_stands_beside_the_one_it_is_to_be_compared_with() -> None:
    inside = Inside(
        Judged(records=1_000_000, cpu_s=20.0, stored_bytes=50_000_000, costs=COSTS),
        TakenOver(resident_bytes=512 * CUSTOMERS, looked_bytes=1024 * CUSTOMERS, cpu_s=2.0, instant_s=0.04, due=DUE),
        [Scored(1_000, 1.0, 2.0), Scored(1_000, 1.0, 1.25), Scored(1_000, 1.0, 10.0)],
        EveryKind(200_000, 50.0),
    )
    assert [
        ("20.0", "10,000 records, with their save"),
        ("50.0", "2.50 x a record; the part is 40% of it"),
        ("300", "4,000 rows a week, for 26 weeks"),
        ("512", "0.50 x the goal of 1 KiB"),
        ("1,024", "2.00 x as taken over; what it took for a moment is in it"),
        ("500", ""),
        ("2.00", "1/10 of judging their 1,000,000 records"),
        ("40.0", "2.00 x a record for each who is due"),
        ("50.0", "4,000 events a second"),
        ("500", "0.50 x the same without scores"),
    ] == [(here, beside) for _, here, beside in inside.rows()]


def test_a_base_with_events_of_every_kind_is_judged_by_the_command() -> None:
    said = every_kind(Shape(customers=3))
    assert said.events > 100
    assert said.cpu_s > 0


def test_the_round_in_the_middle_is_told() -> None:
    rounds = [Scored(1, 1.0, with_s) for with_s in (5.0, 1.0, 2.0, 3.0)]
    assert 3.0 == middle(rounds).with_s

"""The benchmark measures what it says: its history is a true one, and its floor looks at every record."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cli.sending.steps import Tick
from shared.contracts.catalogue import FACT_TYPES, RECORDED_AS
from shared.contracts.tick import write_tick
from tests.bench.alone import Pair, median
from tests.bench.load import WEEK, history, steps
from tests.bench.plain import RECORDED, validator
from tests.bench.usage import Measured, Tally

EXAMPLES = Path(__file__).parents[2] / "shared" / "contracts" / "examples"
ONCE = len(history(1))


def test_the_history_is_copied_as_a_whole_for_other_customers() -> None:
    subjects = [json.loads(line.body)["subject"] for line in history(ONCE + 1)]
    assert 2 * ONCE == len(subjects)
    assert {s.removeprefix("000-") for s in subjects if s.startswith("000-")} == {
        s.removeprefix("001-") for s in subjects if s.startswith("001-")
    }


def test_a_tick_stands_behind_its_week_and_the_last_one_says_so() -> None:
    newest = datetime.min.replace(tzinfo=UTC)
    said = list(steps(history(1)))
    for step in said:
        if isinstance(step, Tick):
            assert newest < step.to
        else:
            newest = max(newest, *(line.at for line in step.lines))
    ticks = [step for step in said if isinstance(step, Tick)]
    assert all((after.to - before.to) % WEEK == WEEK * 0 for before, after in pairwise(ticks))
    assert [said[-1]] == [tick for tick in ticks if tick.last]


def test_no_event_stands_behind_a_tick_that_is_later() -> None:
    passed = datetime.min.replace(tzinfo=UTC)
    for step in steps(history(1)):
        if isinstance(step, Tick):
            passed = step.to
        else:
            assert all(passed <= line.at for line in step.lines)


@pytest.mark.parametrize("type_", sorted(FACT_TYPES))
def test_the_floor_reads_every_fact(type_: str) -> None:
    assert type_ == validator().validate_json((EXAMPLES / f"{type_}.json").read_bytes()).type


def test_the_floor_looks_into_every_recorded_input() -> None:
    assert {fact.TYPE for fact in RECORDED_AS.values()} == set(RECORDED)


def test_the_floor_reads_ticks() -> None:
    at = datetime(2026, 1, 31, tzinfo=UTC)
    assert at == validator().validate_json(write_tick("tenure/retention", at, last=True)).data.at


@pytest.mark.parametrize("wrong", [{"time": "yesterday"}, {"sequence": "first"}, {"data": {"amount_minor": -1}}])
def test_the_floor_refuses_what_is_wrong(wrong: dict[str, Any]) -> None:
    fact = json.loads((EXAMPLES / "tenure.purchase-recorded.v1.json").read_bytes())
    with pytest.raises(ValidationError):
        validator().validate_json(json.dumps(fact | wrong))


def test_the_first_batch_is_not_counted() -> None:
    tally = Tally(5)
    assert [False, False, False, True] == [tally.add(records) for records in (0, 2, 1, 2)]
    assert 3 == tally.measured().records


def test_the_ratio_told_is_that_of_neighbours() -> None:
    pairs = [Pair(_measured(floor), _measured(reader)) for floor, reader in ((1, 9), (2, 4), (10, 30))]
    assert 3.0 == median(pairs).ratio


def _measured(cpu_s: float) -> Measured:
    return Measured(records=1000, cpu_s=cpu_s, seconds=cpu_s, mib=1.0)

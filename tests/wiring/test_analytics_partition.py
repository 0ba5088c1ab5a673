"""A partition of the log in, alerts and rows out: the same however the log is cut, and however often the state is read
again."""

import json
from collections.abc import Sequence
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.books import Book
from services.analytics.pages import OtherState
from services.analytics.partition import Partition, SequenceGap
from services.analytics.rules import Rules
from services.analytics.state import HOUR
from shared.checkpoints import Checkpoint
from shared.contracts import retention
from shared.contracts.analytics import read_alert
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.measures import FIRST_OF_CATALOGUE
from shared.memory_broker import MemoryRecord
from tests.stories import Told, contact, measures, numbered, purchase, ticks, told
from tests.wiring.whole_base import Base, bytes_of

WEEKS = 30
CUSTOMERS = ("b", "a", "ü/ü")
SPRING = 20  # the week in which a catalogue of measures is sent


def bought(customer: str) -> list[MemoryRecord]:
    """Weekly; what is derived from the first purchase stands behind it."""
    purchases: list[Told] = [(7 * week + 1, purchase(1999)) for week in range(WEEKS)]
    return told("retention", customer, purchases[0], (1, retention.FirstPurchase()), *purchases[1:])


def week_of(number: int) -> list[MemoryRecord]:
    """Customers as they come, contacts ahead of the purchases that were before them, and the tick."""
    facts = [told("interaction", c, (7 * number + 3, contact()), first=number + 1) for c in CUSTOMERS]
    facts += [bought(c)[0:2] if number == 0 else bought(c)[number + 1 : number + 2] for c in CUSTOMERS]
    if number == SPRING:
        facts.append(told("retention", FIRST_OF_CATALOGUE, (7 * SPRING + 2, measures("a walk"))))
    return [*chain(*facts), *ticks(7 * number + 7)]


LOG = numbered([*chain(*map(week_of, range(WEEKS))), *ticks(700)])


def outputs(partition: Partition, records: Sequence[MemoryRecord], base: Base | None = None) -> list[bytes]:
    """`base`: the one that the partition has been made with, if its log is long enough to need any."""
    return [bytes_of(output) for output in (base or Base()).take(partition, records)]


def fresh(*, history: bool, base: Base | None = None, saved: Checkpoint | None = None) -> Partition:
    results = (base or Base()).results
    return Partition(Rules(), history=history, number=0, results=results, grid=24 * HOUR, saved=saved)


def whole(log: Sequence[MemoryRecord], *, history: bool) -> tuple[list[bytes], Partition]:
    """What is said of it, and the partition behind it."""
    base = Base()
    partition = fresh(history=history, base=base)
    return outputs(partition, log, base), partition


def saved(partition: Partition, before: Checkpoint | None) -> Checkpoint:
    meta, changed = partition.dump()
    generation, pages = (0, {}) if before is None else (before.generation, dict(before.pages))
    return Checkpoint(generation + 1, meta, {**pages, **changed})


@pytest.mark.parametrize("history", [True, False])
def test_the_log_gives_alerts_for_every_customer(history: bool) -> None:
    said = map(json.loads, whole(LOG, history=history)[0])
    assert {*CUSTOMERS, "population"} == {message["subject"] for message in said}


def catalogues(log: Sequence[MemoryRecord], *, history: bool) -> list[tuple[str, str | None]]:
    """Measure and catalogue of each recommendation, in order."""
    said = [raw for raw in whole(log, history=history)[0] if b"tenure.attrition-alert-" in raw]
    advice = [alert.data.recommended for alert in map(read_alert, said)]
    return [(one.name, one.catalogue) for one in advice if one is not None]


@pytest.mark.parametrize("history", [True, False])
def test_alerts_go_by_the_catalogue_that_stands_in_the_log(history: bool) -> None:
    assert {("a walk", "web-shop|retention-1")} == set(catalogues(LOG, history=history))


@pytest.mark.parametrize("history", [True, False])
def test_of_two_catalogues_the_newer_holds_and_what_was_said_before_it_stays(history: bool) -> None:
    later = told("retention", FIRST_OF_CATALOGUE, (300, measures("a swim")), (290, measures("a run")), first=2)
    log = numbered([*chain(*map(week_of, range(WEEKS))), *later, *ticks(700)])
    names = [name for name, _ in catalogues(log, history=history)]
    assert ["a walk"] * 6 + ["a swim"] * 18 == names if history else {"a swim"} == set(names)


@pytest.mark.parametrize("first", [True, False])
def test_in_history_a_catalogue_is_ahead_of_everything_at_its_instant(first: bool) -> None:
    """Wherever it stands, and though its id comes after that of the lapse, `retention-4` after `retention-32`."""
    lapse = told("retention", "a", (211, retention.LapseRecorded()), first=WEEKS + 2)
    said: list[Told] = [(205, measures("a run")), (206, measures("a hop")), (211, measures("a swim"))]
    later = told("retention", FIRST_OF_CATALOGUE, *said, first=2)
    both = [*later, *lapse] if first else [*lapse, *later]
    log = numbered([*chain(*map(week_of, range(WEEKS))), *both, *ticks(213)])
    assert ["a swim"] == [name for name, _ in catalogues(log, history=True)]


@pytest.mark.parametrize("history", [True, False])
def test_a_catalogue_is_no_customer(history: bool) -> None:
    without = numbered([r for r in LOG if r.key != FIRST_OF_CATALOGUE.encode()])
    rows, fewer = (
        [raw for raw in whole(log, history=history)[0] if b"attrition-alert" not in raw] for log in (LOG, without)
    )
    assert rows == fewer


@settings(deadline=None, max_examples=30)
@given(st.booleans(), st.lists(st.tuples(st.integers(1, 120), st.booleans()), max_size=12))
def test_restarts_anywhere_repeat_the_same_bytes_and_leave_the_same_state(
    history: bool, runs: list[tuple[int, bool]]
) -> None:
    """Read so many, save or not, die, go on from what was saved."""
    (expected, undisturbed), base = whole(LOG, history=history), Base()
    state, said, partition = None, set[bytes](), fresh(history=history, base=base)
    for count, is_saved in [*runs, (len(LOG), True)]:
        said |= set(outputs(partition, LOG[partition.next_offset :][:count], base))
        state = saved(partition, state) if is_saved else state
        partition = fresh(history=history, base=base, saved=state)
    assert set(expected) == said
    assert state is not None
    assert saved(undisturbed, None).pages == state.pages
    assert saved(undisturbed, None).meta == state.meta


def test_state_of_the_same_name_with_other_figures_is_refused_even_without_a_customer() -> None:
    empty = saved(fresh(history=True), None)
    with pytest.raises(OtherState, match="r1:"):
        Partition(Rules(risk_raise=0.6), history=True, number=0, results={}, saved=empty)


def test_a_book_has_a_place_for_every_service_in_their_order() -> None:
    assert DOMAIN_SERVICES == Book.__struct_fields__[: len(DOMAIN_SERVICES)]


def test_in_history_what_a_tick_has_not_passed_is_held_and_read_again() -> None:
    partition = fresh(history=True)
    outputs(partition, LOG[:2])
    assert (2, 0) == (partition.next_offset, partition.committed_offset())


def test_a_derived_fact_waits_behind_the_fact_it_follows_and_for_nothing_else() -> None:
    first, derived = numbered(bought("a")[:2])
    together, restarted = fresh(history=True), fresh(history=True)
    outputs(together, [first, derived])
    assert 0 == together.committed_offset()
    outputs(restarted, [first, *numbered(ticks(7), start=1)])
    assert 4 == restarted.committed_offset()
    outputs(restarted, numbered([derived], start=4))
    assert 5 == restarted.committed_offset()


@pytest.mark.parametrize("history", [True, False])
def test_a_copy_changes_nothing(history: bool) -> None:
    twice = numbered(chain(*((r, r) for r in LOG)))
    assert whole(LOG, history=history)[0] == whole(twice, history=history)[0]


@pytest.mark.parametrize("history", [True, False])
def test_a_missing_fact_is_not_passed_over(history: bool) -> None:
    first, _, third = numbered(bought("a")[:3])
    partition = fresh(history=history)
    outputs(partition, [first])
    with pytest.raises(SequenceGap, match="retention lost facts 2 to 2 of customer a"):
        partition.take(third)

"""Who has to be looked at when: an entry may be stale, but none is ever missing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.due_list import BUCKET_S, MOST_LOOKED, DueList, Entry, bucket_of
from shared.memory_store import MemoryEventStore
from tests.specification import day
from tests.unit.test_memory_parts import finish

HOUR = timedelta(seconds=BUCKET_S)


@pytest.fixture
def store() -> MemoryEventStore:
    return MemoryEventStore()


@pytest.fixture
def due(store: MemoryEventStore) -> DueList:
    return DueList(store)


def entry(customer: str, on: float, partition: int = 0) -> Entry:
    return partition, bucket_of(day(on)), customer


def stored(store: MemoryEventStore, partition: int = 0) -> set[str]:
    lists = finish(store.open_due([partition]))
    return set().union(*lists[partition].values())


def test_who_is_due_is_found_in_order_of_id_and_nobody_later(due: DueList) -> None:
    finish(due.add([entry("carl", 1), entry("anna", 2), entry("bert", 3)]))
    assert ["anna", "carl"] == list(due.before(0, day(2)))


def test_an_instant_within_the_bucket_counts(due: DueList) -> None:
    at = day(1) + HOUR / 2
    finish(due.add([(0, bucket_of(at), "anna")]))
    assert ["anna"] == list(due.before(0, at))
    assert [] == list(due.before(0, at - HOUR))


def test_partitions_do_not_mix(due: DueList) -> None:
    finish(due.add([entry("anna", 1, partition=1)]))
    assert {} == due.before(0, day(9))


def test_an_entry_is_in_the_store_before_it_is_said_to_be(due: DueList, store: MemoryEventStore) -> None:
    finish(due.add([entry("anna", 1)]))
    assert {"anna"} == stored(store)


def test_who_was_looked_at_is_not_looked_at_again(due: DueList) -> None:
    finish(due.add([entry("anna", 1), entry("bert", 1)]))
    finish(due.remove({entry("anna", 1)}))
    assert ["bert"] == list(due.before(0, day(9)))


def test_the_store_learns_of_it_with_many_others_or_at_the_next_load(due: DueList, store: MemoryEventStore) -> None:
    finish(due.add([entry("anna", 1)]))
    finish(due.remove({entry("anna", 1)}))
    assert {"anna"} == stored(store)
    finish(due.load([0]))
    assert set() == stored(store)
    many = [entry(f"c-{n}", 1) for n in range(MOST_LOOKED + 1)]
    finish(due.add(many))
    finish(due.remove(set(many)))
    assert set() == stored(store)


def test_who_is_added_again_before_the_store_has_learned_stays(due: DueList, store: MemoryEventStore) -> None:
    finish(due.add([entry("anna", 1)]))
    finish(due.remove({entry("anna", 1)}))
    finish(due.add([entry("anna", 1)]))
    finish(due.load([0]))
    assert {"anna"} == stored(store)
    assert ["anna"] == list(due.before(0, day(9)))


def test_a_takeover_reads_what_another_owner_has_written(due: DueList, store: MemoryEventStore) -> None:
    finish(DueList(store).add([entry("anna", 1)]))
    finish(due.load([0]))
    assert ["anna"] == list(due.before(0, day(9)))


def test_what_was_forgotten_is_not_removed_from_the_store(due: DueList, store: MemoryEventStore) -> None:
    finish(due.add([entry("anna", 1)]))
    finish(due.remove({entry("anna", 1)}))
    due.forget()
    finish(due.load([0]))
    assert ["anna"] == list(due.before(0, day(9)))  # stale: it costs one look


customers, days = st.sampled_from(["anna", "bert", "carl"]), st.integers(0, 5)
entries = st.builds(entry, customers, days)


@given(st.lists(st.tuples(st.booleans(), entries), max_size=30))
def test_none_is_ever_missing_whoever_owns_it_next(steps: list[tuple[bool, Entry]]) -> None:
    store = MemoryEventStore()
    due, wanted = DueList(store), set[Entry]()
    for add, one in steps:
        if add:
            finish(due.add([one]))
            wanted.add(one)
        elif one in wanted:
            finish(due.remove({one}))
            wanted.discard(one)
    for owner in (due, DueList(store)):
        finish(owner.load([0]))
        assert {customer for _, _, customer in wanted} <= owner.before(0, day(99)).keys()

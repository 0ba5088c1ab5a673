"""What every event store promises of the due list: whoever was put on it stays until looked at."""

import pytest

from shared.event_store import EventStore
from shared.mongo import Database
from tests.contract.commits import ODD_IDS


async def test_the_due_list_is_kept_by_partition_and_bucket(store: EventStore) -> None:
    await store.add_due({0: {10: ["a", "b"], 11: ["a"]}})
    await store.add_due({7: {10: ["c"]}})
    assert await store.open_due([0, 1]) == {0: {10: {"a", "b"}, 11: {"a"}}, 1: {}}


async def test_being_due_twice_is_being_due_once(store: EventStore) -> None:
    await store.add_due({0: {10: ["a", "b"]}})
    await store.add_due({0: {10: ["b", "c"]}})
    await store.remove_due({0: {10: ["b"]}})
    assert await store.open_due([0]) == {0: {10: {"a", "c"}}}


async def test_being_due_many_times_takes_no_more_room(store: EventStore, database: Database | None) -> None:
    if database is None:
        pytest.skip("memory keeps a set")
    for _ in range(3):
        await store.add_due({0: {10: ["a", "b"]}})
    assert [sorted(d["customers"]) async for d in database["due"].find()] == [["a", "b"]]


async def test_others_of_a_bucket_stay_when_some_have_been_looked_at(store: EventStore) -> None:
    await store.add_due({0: {10: ODD_IDS, 11: ["a"]}})
    await store.remove_due({0: {10: ODD_IDS[1:]}})
    assert await store.open_due([0]) == {0: {10: {ODD_IDS[0]}, 11: {"a"}}}


async def test_an_empty_bucket_is_gone_and_can_be_filled_again(store: EventStore) -> None:
    await store.add_due({0: {10: ["a"]}})
    await store.remove_due({0: {10: ["a"]}})
    assert await store.open_due([0]) == {0: {}}
    await store.add_due({0: {10: ["b"]}})
    assert await store.open_due([0]) == {0: {10: {"b"}}}


async def test_removing_whom_nobody_added_changes_nothing(store: EventStore) -> None:
    await store.remove_due({0: {10: ["a"]}})
    await store.add_due({0: {11: ["a"], 12: []}})
    await store.remove_due({0: {11: ["b"]}})
    assert await store.open_due([0]) == {0: {11: {"a"}}}


async def test_buckets_before_the_epoch_are_buckets_too(store: EventStore) -> None:
    await store.add_due({0: {-5: ["a"]}})
    assert await store.open_due([0]) == {0: {-5: {"a"}}}

"""What every event store promises of what has been published, and of finding what has not."""

from shared.event_store import Commit, EventStore
from tests.contract.commits import chain, commit, commits_of
from tests.contract.conftest import Clock


async def test_a_marked_commit_is_loaded_as_published(store: EventStore) -> None:
    await store.append(chain("c", [1, 2]))
    await store.mark_published(chain("c", [1]))
    assert [c.published for c in await commits_of(store, "c")] == [True, False]


async def test_marking_twice_changes_nothing_more(store: EventStore) -> None:
    await store.append(chain("c", [2]))
    await store.mark_published(chain("c", [2]))
    once = await commits_of(store, "c")
    await store.mark_published(chain("c", [2]))
    assert await commits_of(store, "c") == once


async def test_marking_nothing_is_allowed(store: EventStore) -> None:
    await store.mark_published([])
    assert await commits_of(store, "c") == []


async def test_a_commit_can_be_stored_as_published(store: EventStore, clock: Clock) -> None:
    await store.append([Commit("c", 1, 1, "shop|a", (b"x",), 0, published=True)])
    assert await store.unpublished([0], older_than_s=0) == set()
    assert [c.published for c in await commits_of(store, "c")] == [True]


async def test_an_unpublished_commit_is_found_once_it_is_old_enough(store: EventStore, clock: Clock) -> None:
    await store.append([commit("c", 1, partition=3)])
    clock.now += 59
    assert await store.unpublished([3], older_than_s=60) == set()
    clock.now += 1
    assert await store.unpublished([3], older_than_s=60) == {"c"}


async def test_only_the_partitions_asked_for_are_swept(store: EventStore) -> None:
    await store.append([commit(f"c-{p}", 1, partition=p) for p in range(4)])
    assert await store.unpublished([1, 3], older_than_s=0) == {"c-1", "c-3"}


async def test_a_published_commit_is_not_swept(store: EventStore) -> None:
    await store.append([*chain("c", [1, 1]), commit("d", 1)])
    await store.mark_published(chain("c", [1, 1]))
    assert await store.unpublished([0], older_than_s=0) == {"d"}


async def test_a_customer_with_one_of_two_commits_published_is_swept(store: EventStore) -> None:
    await store.append(chain("c", [1, 1]))
    await store.mark_published(chain("c", [1]))
    assert await store.unpublished([0], older_than_s=0) == {"c"}

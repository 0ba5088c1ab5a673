"""What every event store promises."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from shared.event_store import Commit, EventStore, History, Refused, Snapshot
from shared.insert_limits import MAX_BYTES, MAX_COMMITS
from shared.memory_store import MemoryEventStore
from shared.mongo import Database
from tests.contract.conftest import Clock

RULES = "rules-1"
ODD_IDS = (
    "a/1",
    "a",
    "a/1/2",
    ".",
    "$set",
    "a.b.$",
    " inner  blanks ",
    "Ünïcødé-客户-🙂",
    "x" * 128,
    "🙂" * 128,
    "'; --",
    "{}",
)


def commit(customer: str, first: int, *events: bytes, cause: str = "", partition: int = 0) -> Commit:
    """With one event if none are given, and a cause that nobody else has."""
    events = events or (f"{customer} {first}".encode(),)
    return Commit(customer, first, first + len(events) - 1, cause or f"shop|{first}", events, partition)


def chain(customer: str, lengths: Sequence[int], *, after: int = 0) -> list[Commit]:
    commits = []
    for length in lengths:
        commits.append(commit(customer, after + 1, *(f"{after + n}".encode() for n in range(1, length + 1))))
        after += length
    return commits


async def history(store: EventStore, customer: str, rules: str = RULES) -> History:
    return (await store.load([customer], rules=rules))[customer]


async def commits_of(store: EventStore, customer: str) -> list[Commit]:
    return list((await history(store, customer)).commits)


async def refused_at(store: EventStore, commits: Sequence[Commit]) -> int:
    with pytest.raises(Refused) as refused:
        await store.append(commits)
    return refused.value.index


async def test_what_is_appended_is_loaded_in_order(store: EventStore) -> None:
    commits = chain("c", [1, 2, 1])
    await store.append(commits)
    assert commits == await commits_of(store, "c")


async def test_an_unknown_customer_has_an_empty_history(store: EventStore) -> None:
    assert await store.load(["nobody"], rules=RULES) == {"nobody": History()}


async def test_loading_nobody_answers_nothing(store: EventStore) -> None:
    assert await store.load([], rules=RULES) == {}


async def test_appending_nothing_is_allowed(store: EventStore) -> None:
    await store.append([])
    assert [c async for c in store.scan()] == []


async def test_bytes_come_back_exactly(store: EventStore) -> None:
    await store.append([commit("c", 1, bytes(range(256)), b"", '{"ü": "\\u0000"}'.encode())])
    assert (await commits_of(store, "c"))[0].events == (bytes(range(256)), b"", '{"ü": "\\u0000"}'.encode())


async def test_odd_customer_ids_are_kept_apart(store: EventStore) -> None:
    commits = [commit(customer, n) for customer in ODD_IDS for n in (1, 2)]
    await store.append(commits)
    loaded = await store.load(ODD_IDS, rules=RULES)
    assert {c: [commit(c, 1), commit(c, 2)] for c in ODD_IDS} == {c: list(h.commits) for c, h in loaded.items()}


async def test_a_commit_under_a_taken_sequence_is_refused_and_those_before_it_are_stored(store: EventStore) -> None:
    await store.append([commit("c", 1, cause="shop|a")])
    before, refused, after = commit("d", 1), commit("c", 1, cause="shop|b"), commit("d", 2)
    assert await refused_at(store, [before, refused, after]) == 1
    assert await commits_of(store, "d") == [before]
    assert [c.cause for c in await commits_of(store, "c")] == ["shop|a"]


async def test_a_cause_is_stored_once_per_customer(store: EventStore) -> None:
    await store.append([commit("c", 1, cause="shop|a")])
    assert await refused_at(store, [commit("c", 2, cause="shop|a"), commit("c", 3)]) == 0
    assert len(await commits_of(store, "c")) == 1


async def test_a_cause_may_be_used_by_another_customer(store: EventStore) -> None:
    await store.append([commit("c", 1, cause="shop|a"), commit("d", 1, cause="shop|a")])
    assert len(await commits_of(store, "d")) == 1


async def test_two_commits_of_one_insert_can_collide_with_each_other(store: EventStore) -> None:
    assert await refused_at(store, [commit("c", 1), commit("c", 2), commit("c", 2, cause="shop|other")]) == 2
    assert len(await commits_of(store, "c")) == 2


async def test_of_two_owners_who_append_at_once_one_is_refused(store: EventStore) -> None:
    mine, yours = commit("c", 1, cause="shop|mine"), commit("c", 1, cause="shop|yours")
    outcomes = await asyncio.gather(store.append([mine]), store.append([yours]), return_exceptions=True)
    assert sorted(type(o).__name__ for o in outcomes) == ["NoneType", "Refused"]
    assert await commits_of(store, "c") == [mine if outcomes[0] is None else yours]


async def test_appending_does_not_check_for_gaps_and_loading_stops_before_one(store: EventStore) -> None:
    await store.append([commit("c", 1), commit("c", 3)])
    assert await commits_of(store, "c") == [commit("c", 1)]


async def test_more_than_a_thousand_commits_are_not_taken_in_one_insert(store: EventStore) -> None:
    with pytest.raises(ValueError, match="1001 commits"):
        await store.append([commit("c", n) for n in range(1, MAX_COMMITS + 2)])
    assert await commits_of(store, "c") == []


async def test_more_bytes_than_one_command_may_have_are_not_taken(store: EventStore) -> None:
    half = bytes(MAX_BYTES // 2 + 1)
    with pytest.raises(ValueError, match="bytes of events"):
        await store.append([commit("c", 1, half), commit("c", 2, half)])


async def test_a_history_longer_than_several_windows_is_whole(store: EventStore) -> None:
    commits = chain("c", [1 + n % 3 for n in range(700)])
    await store.append(commits)
    assert commits == await commits_of(store, "c")


@pytest.mark.parametrize("length", [1, 2, 16, 17, 18, 33, 48, 49, 50])
async def test_a_history_that_ends_at_the_edge_of_a_window_is_whole(store: EventStore, length: int) -> None:
    commits = chain("c", [1] * length)
    await store.append(commits)
    assert commits == await commits_of(store, "c")


async def test_a_commit_longer_than_a_window_is_passed_over_whole(store: EventStore) -> None:
    commits = chain("c", [2, 40, 1, 300, 3])
    await store.append(commits)
    assert commits == await commits_of(store, "c")


async def test_five_hundred_customers_are_loaded_at_once(store: EventStore) -> None:
    chains = {f"c-{n}": chain(f"c-{n}", [1] * (n % 4)) for n in range(500)}
    for some in range(0, 500, 100):
        await store.append([c for n in range(some, some + 100) for c in chains[f"c-{n}"]])
    loaded = await store.load(list(chains), rules=RULES)
    assert chains == {customer: list(h.commits) for customer, h in loaded.items()}


async def test_a_cause_is_found_with_what_it_gave(store: EventStore) -> None:
    known = commit("c", 1, b"x", b"y", cause="shop|a")
    await store.append([known, commit("d", 1, cause="shop|b")])
    found = await store.find_causes([("c", "shop|a"), ("c", "shop|b"), ("nobody", "shop|a")])
    assert found == {("c", "shop|a"): known}


async def test_two_causes_looked_for_do_not_bring_a_third_that_has_the_customer_of_one(store: EventStore) -> None:
    known = [commit(c, n, cause=f"shop|{n}") for c in ("c", "d") for n in (1, 2)]
    await store.append(known)
    assert set(await store.find_causes([("c", "shop|1"), ("d", "shop|2")])) == {("c", "shop|1"), ("d", "shop|2")}


async def test_looking_for_no_causes_finds_none(store: EventStore) -> None:
    assert await store.find_causes([]) == {}


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


async def test_history_begins_behind_the_snapshot(store: EventStore) -> None:
    commits = chain("c", [1, 2, 1])
    await store.append(commits)
    snapshot = Snapshot("c", 3, RULES, bytes(range(256)))
    await store.save_snapshots([snapshot])
    assert await history(store, "c") == History(snapshot, (commits[2],))


async def test_a_snapshot_of_other_rules_is_not_used(store: EventStore) -> None:
    commits = chain("c", [1, 1])
    await store.append(commits)
    await store.save_snapshots([Snapshot("c", 1, "rules-0", b"old")])
    assert await history(store, "c") == History(None, tuple(commits))


async def test_a_newer_snapshot_replaces_an_older(store: EventStore) -> None:
    for last in (1, 2, 3):
        await store.save_snapshots([Snapshot("c", last, RULES, b"\xff state %d" % last)])
    assert (await history(store, "c")).snapshot == Snapshot("c", 3, RULES, b"\xff state 3")


async def test_an_older_snapshot_does_not_replace_a_newer(store: EventStore) -> None:
    newer, other = Snapshot("c", 5, RULES, b"newer"), Snapshot("d", 1, RULES, b"other")
    await store.save_snapshots([newer])
    await store.save_snapshots([Snapshot("c", 4, RULES, b"older"), other])
    loaded = await store.load(["c", "d"], rules=RULES)
    assert [h.snapshot for h in loaded.values()] == [newer, other]


async def test_new_rules_may_replace_a_snapshot_of_the_same_length(store: EventStore) -> None:
    await store.save_snapshots([Snapshot("c", 5, "rules-0", b"old")])
    await store.save_snapshots([Snapshot("c", 5, RULES, b"new")])
    assert (await history(store, "c")).snapshot == Snapshot("c", 5, RULES, b"new")


async def test_saving_no_snapshots_is_allowed(store: EventStore) -> None:
    await store.save_snapshots([])
    assert (await history(store, "c")).snapshot is None


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


async def test_a_scan_gives_every_commit_customer_by_customer_in_order(store: EventStore) -> None:
    chains = [chain(customer, [1 + n % 2 for n in range(12)]) for customer in ODD_IDS]
    for round_ in zip(*chains, strict=True):
        await store.append(round_)
    scanned = [c async for c in store.scan()]
    assert sorted((c.customer, c.first) for commits in chains for c in commits) == [
        (c.customer, c.first) for c in scanned
    ]


async def test_a_scan_passes_no_commit_over_however_many_there_are(store: EventStore) -> None:
    for n in range(3):
        await store.append([commit(f"c-{n}-{m}", 1) for m in range(1_000)])
    assert len({c.customer async for c in store.scan()}) == 3_000


async def test_a_random_course_of_work_leaves_what_it_leaves_in_memory(store: EventStore, clock: Clock) -> None:
    """The suite's own check: whatever the sentences above forgot to say."""
    chance, memory = random.Random(20), MemoryEventStore(clock=clock)
    customers = ["a", "b/1", "c"]
    for step in range(150):
        clock.now += 1
        batch = [
            commit(
                chance.choice(customers),
                chance.randint(1, 40),
                *[b"x"] * chance.randint(1, 3),
                cause=f"s|{step}-{n % 2}",
            )
            for n in range(chance.randint(1, 4))
        ]
        mark = chance.random() < 0.5
        assert await outcome(store, batch, mark=mark) == await outcome(memory, batch, mark=mark)
    assert [c async for c in store.scan()] == [c async for c in memory.scan()]
    assert await store.load(customers, rules=RULES) == await memory.load(customers, rules=RULES)
    assert await store.unpublished([0], older_than_s=75) == await memory.unpublished([0], older_than_s=75)


async def outcome(store: EventStore, batch: Sequence[Commit], *, mark: bool) -> int | None:
    """The index that was refused, if one was."""
    try:
        await store.append(batch)
    except Refused as refused:
        return refused.index
    if mark:
        await store.mark_published(batch)
    return None

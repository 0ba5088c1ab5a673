"""What every event store promises of commits: how they are appended, loaded, found and scanned."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from shared.event_store import Commit, EventStore, History, Refused
from shared.insert_limits import MAX_BYTES, MAX_COMMITS
from shared.memory_store import MemoryEventStore
from tests.contract.commits import ODD_IDS, RULES, chain, commit, commits_of, refused_at
from tests.contract.conftest import Clock


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

"""What every event store promises of snapshots: they may shorten a history and never change it."""

from shared.event_store import EventStore, History, Snapshot
from tests.contract.commits import RULES, chain, history


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

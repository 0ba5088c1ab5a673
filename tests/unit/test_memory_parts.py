"""The in-memory parts under a simulation: no event loop, every pause a place to crash or to let another owner in."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar

import pytest

from shared.broker import Outgoing, OwnershipLost, TopicPartition
from shared.checkpoints import Checkpoint, Superseded
from shared.event_store import Commit, Refused
from shared.insert_limits import MAX_BYTES, MAX_COMMITS, slices
from shared.memory_broker import MemoryBroker
from shared.memory_checkpoints import MemoryCheckpoints
from shared.memory_store import MemoryEventStore

T = TypeVar("T")
RULES = "rules-1"
LOG = TopicPartition("log", 0)


class At:
    """Suspends a coroutine and says where."""

    def __init__(self, step: str) -> None:
        self.step = step

    def __await__(self) -> Generator[str, None, None]:
        yield self.step


async def stop(step: str) -> None:
    await At(step)


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Runs it to its end, through all pauses, without an event loop."""
    try:
        while True:
            work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def run_until(step: str, work: Coroutine[Any, Any, Any], *, times: int = 1) -> None:
    """Runs it up to that pause, the `times`-th of this name."""
    while times:
        times -= work.send(None) == step


def crash_at(step: str, work: Coroutine[Any, Any, Any], *, times: int = 1) -> None:
    run_until(step, work, times=times)
    work.close()


def commit(customer: str, first: int, last: int = 0, cause: str = "") -> Commit:
    last = last or first
    return Commit(customer, first, last, cause or f"shop|{first}", (b"x",) * (last - first + 1), 0)


def stored(store: MemoryEventStore, customer: str) -> list[Commit]:
    return list(finish(store.load([customer], rules=RULES))[customer].commits)


def outgoing(*values: bytes) -> list[Outgoing]:
    return [Outgoing(*LOG, None, value) for value in values]


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker(clock=lambda: 1.5, pause=stop)
    broker.create_topic("log", 2)
    return broker


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.load(["c"], rules=RULES),
        lambda s: s.append([commit("c", 1)]),
        lambda s: s.find_causes([("c", "x")]),
        lambda s: s.mark_published([commit("c", 1)]),
        lambda s: s.unpublished([0], older_than_s=0),
        lambda s: s.remove_due({0: {1: ["c"]}}),
        lambda s: s.add_due({0: {1: ["c"]}}),
        lambda s: s.open_due([0]),
    ],
)
def test_every_call_can_be_stopped_before_it_does_anything(
    call: Callable[[MemoryEventStore], Awaitable[object]],
) -> None:
    work = call(MemoryEventStore(pause=stop))
    assert isinstance(work, Coroutine)
    assert isinstance(work.send(None), str)
    work.close()


def test_a_crash_within_an_insert_leaves_what_came_before() -> None:
    store = MemoryEventStore(pause=stop)
    crash_at("append: next", store.append([commit("c", n) for n in (1, 2, 3)]), times=2)
    assert stored(store, "c") == [commit("c", 1), commit("c", 2)]


def test_a_crash_after_an_insert_leaves_all_of_it() -> None:
    store = MemoryEventStore(pause=stop)
    crash_at("append: stored", store.append([commit("c", 1), commit("c", 2)]))
    assert stored(store, "c") == [commit("c", 1), commit("c", 2)]


def test_another_owner_may_come_between_two_commits_of_one_insert() -> None:
    store = MemoryEventStore(pause=stop)
    mine = store.append([commit("c", 1, cause="shop|a"), commit("c", 2, cause="shop|b")])
    run_until("append: next", mine)
    finish(store.append([commit("c", 2, cause="shop|theirs")]))
    with pytest.raises(Refused) as refused:
        finish(mine)
    assert refused.value.index == 1


def test_without_the_fence_two_owners_share_a_sequence_number() -> None:
    store = MemoryEventStore(fence=False)
    commits = [commit("c", 1, cause="shop|mine"), commit("c", 1, cause="shop|theirs")]
    finish(store.append(commits))
    assert stored(store, "c") == commits


def test_without_the_cause_index_a_cause_is_recorded_twice() -> None:
    store = MemoryEventStore(cause_index=False)
    commits = [commit("c", 1, cause="shop|a"), commit("c", 2, cause="shop|a")]
    finish(store.append(commits))
    assert stored(store, "c") == commits


def test_a_customer_who_becomes_due_while_a_bucket_is_emptied_stays_due() -> None:
    store = MemoryEventStore(pause=stop)
    finish(store.add_due({0: {1: ["a"]}}))
    removal = store.remove_due({0: {1: ["a"]}})
    run_until("remove due: empty bucket", removal)
    finish(store.add_due({0: {1: ["b"]}}))
    finish(removal)
    assert finish(store.open_due([0])) == {0: {1: {"b"}}}


def test_a_crash_within_a_publish_leaves_whole_groups(broker: MemoryBroker) -> None:
    crash_at("publish", broker.publisher().publish([outgoing(b"a", b"b"), outgoing(b"c", b"d")]), times=2)
    assert [r.value for r in broker.records("log", 0)] == [b"a", b"b"]


def test_a_crash_before_the_acknowledgement_leaves_the_records(broker: MemoryBroker) -> None:
    crash_at("publish: acknowledged", broker.publisher().publish([outgoing(b"a")]))
    assert [r.value for r in broker.records("log")] == [b"a"]


def test_records_are_dated_by_the_clock_given(broker: MemoryBroker) -> None:
    finish(broker.publisher().publish([outgoing(b"a")]))
    assert broker.append("log", 1, None, b"b").timestamp == broker.records("log", 0)[0].timestamp == 1_500


def test_no_topic_and_no_partition_comes_into_being_by_itself(broker: MemoryBroker) -> None:
    for topic, partition in (("log", 2), ("other", 0)):
        with pytest.raises(LookupError):
            finish(broker.publisher().publish([[Outgoing(topic, partition, None, b"a")]]))


def test_a_topic_keeps_its_number_of_partitions(broker: MemoryBroker) -> None:
    broker.append("log", 0, None, b"a")
    broker.create_topic("log", 2)
    with pytest.raises(ValueError, match="has 2 partitions"):
        broker.create_topic("log", 3)
    assert len(broker.records("log")) == 1


def test_two_members_share_what_the_group_deals_out(broker: MemoryBroker) -> None:
    for partition in (0, 1):
        broker.append("log", partition, None, b"%d" % partition)
    broker.assign("g", {"a": [LOG], "b": [TopicPartition("log", 1)]})
    shares = [[r.value for r in finish(broker.member("g", member).fetch(10))] for member in "ab"]
    assert shares == [[b"0"], [b"1"]]


def test_a_partition_is_not_dealt_to_two_members(broker: MemoryBroker) -> None:
    with pytest.raises(ValueError, match="one owner"):
        broker.assign("g", {"a": [LOG], "b": [LOG]})


def test_a_stale_member_goes_on_reading_what_it_had_until_it_looks(broker: MemoryBroker) -> None:
    broker.append("log", 0, None, b"a")
    stale = broker.join("g", "stale", ["log"])
    broker.assign("g", {"next": broker.partitions("log")})
    assert [r.value for r in finish(stale.fetch(10))] == [b"a"]
    assert list(stale.rejoin()) == []
    assert list(finish(stale.fetch(10))) == []


def test_a_commit_of_a_member_that_has_rejoined_counts(broker: MemoryBroker) -> None:
    reader = broker.join("g", "a", ["log"])
    broker.assign("g", {"a": [LOG]})
    with pytest.raises(OwnershipLost):
        finish(reader.commit({LOG: 1}))
    reader.rejoin()
    finish(reader.commit({LOG: 1}))
    assert broker.committed("g") == {LOG: 1}


def test_what_is_not_owned_is_not_committed(broker: MemoryBroker) -> None:
    broker.assign("g", {"a": [LOG]})
    with pytest.raises(OwnershipLost):
        finish(broker.member("g", "a").commit({LOG: 1, TopicPartition("log", 1): 1}))
    assert broker.committed("g") == {}


def test_a_busy_partition_does_not_starve_the_other(broker: MemoryBroker) -> None:
    for n in range(20):
        broker.append("log", 0, None, b"%d" % n)
    broker.append("log", 1, None, b"other")
    reader = broker.join("g", "a", ["log"])
    assert b"other" in [r.value for _ in range(2) for r in finish(reader.fetch(5))]


@pytest.mark.parametrize("step", ["save checkpoint", "save checkpoint: page", "save checkpoint: pointer"])
def test_a_crash_before_the_pointer_moves_leaves_the_old_checkpoint(step: str) -> None:
    checkpoints = MemoryCheckpoints(pause=stop)
    finish(checkpoints.save(0, expected=0, meta=b"old", changed={0: b"old", 1: b"old"}))
    crash_at(step, checkpoints.save(0, expected=1, meta=b"new", changed={0: b"new", 1: b"new"}))
    assert finish(checkpoints.load(0)) == Checkpoint(1, b"old", {0: b"old", 1: b"old"})


def test_a_crash_after_the_pointer_moved_leaves_the_new_checkpoint() -> None:
    checkpoints = MemoryCheckpoints(pause=stop)
    finish(checkpoints.save(0, expected=0, meta=b"old", changed={0: b"old", 1: b"old"}))
    crash_at("save checkpoint: remove", checkpoints.save(0, expected=1, meta=b"new", changed={0: b"new"}))
    assert finish(checkpoints.load(0)) == Checkpoint(2, b"new", {0: b"new", 1: b"old"})


def test_what_a_crash_left_behind_is_removed_by_the_next_save() -> None:
    checkpoints = MemoryCheckpoints(pause=stop)
    finish(checkpoints.save(0, expected=0, meta=b"", changed={0: b"old"}))
    for step in ("save checkpoint: pointer", "save checkpoint: remove"):
        crash_at(step, checkpoints.save(0, expected=1, meta=b"", changed={0: b"new", 1: b"new"}))
    finish(checkpoints.save(0, expected=2, meta=b"", changed={0: b"newer"}))
    assert checkpoints.stored_pages == 2


@pytest.mark.parametrize("step", ["save checkpoint: page", "save checkpoint: pointer"])
def test_a_save_that_was_overtaken_changes_nothing(step: str) -> None:
    checkpoints = MemoryCheckpoints(pause=stop)
    overtaken = checkpoints.save(0, expected=0, meta=b"stale", changed={0: b"stale"})
    run_until(step, overtaken)
    finish(checkpoints.save(0, expected=0, meta=b"", changed={0: b"new"}))
    with pytest.raises(Superseded):
        finish(overtaken)
    assert finish(checkpoints.load(0)) == Checkpoint(1, b"", {0: b"new"})
    assert checkpoints.stored_pages == 1


def test_an_insert_is_cut_where_it_would_become_too_large() -> None:
    commits = [commit("c", n) for n in range(1, 2 * MAX_COMMITS + 2)]
    cut = list(slices(commits))
    assert [MAX_COMMITS, MAX_COMMITS, 1] == [len(some) for some in cut]
    assert commits == [one for some in cut for one in some]


def test_an_insert_is_cut_by_bytes_too_but_a_large_commit_goes_alone() -> None:
    large = Commit("c", 1, 1, "shop|large", (b"x" * (MAX_BYTES // 2 + 1),), 0)
    assert [1, 1] == [len(some) for some in slices([large, large])]
    assert [] == list(slices([]))

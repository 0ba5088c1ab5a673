"""The protocol of a domain service, record by record: what is stored, what is published, what is committed, in which
order, and what becomes of a member that is no longer the owner."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.broker import Outgoing, PublishUnknown
from shared.event_store import Commit
from shared.memory_broker import MemoryBroker
from shared.memory_store import MemoryEventStore
from tests.wiring.deciding import UNPUBLISHED_AFTER_S, Deployment, complaint_cause, day, event, purchase


class FailsToPublish:
    """Publisher that gives no answer so many times; nothing of those calls is sent."""

    def __init__(self, broker: MemoryBroker, times: int) -> None:
        self._inner, self.times = broker.publisher(), times

    async def publish(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        if groups and self.times:
            self.times -= 1
            raise PublishUnknown("no answer")
        await self._inner.publish(groups)

    async def date(self, record: Outgoing) -> int:
        return await self._inner.date(record)


class Unanswered(FailsToPublish):
    """Once, all is sent and nobody says so."""

    async def publish(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        if groups and self.times:
            await self._inner.publish(groups)
        await super().publish(groups)


class LosesTheAnswer(MemoryEventStore):
    """The first insert is done, and its caller never hears of it."""

    lost = False

    async def append(self, commits: Sequence[Commit]) -> None:
        await super().append(commits)
        if commits and not self.lost:
            self.lost = True
            raise TimeoutError("no answer")


@pytest.fixture
def retention() -> Deployment:
    return Deployment()


async def test_a_cause_delivered_twice_gives_one_commit(retention: Deployment) -> None:
    retention.send(purchase("1"), purchase("1"))
    member = await retention.owner()
    await member.read_all()
    retention.send(purchase("1"))
    await member.read_all()
    assert ["shop|1"] == await retention.stored()
    assert ["purchase-recorded by 1"] == retention.log


async def test_a_cause_is_known_to_a_process_that_never_read_it(retention: Deployment) -> None:
    retention.snapshot_every = 1
    retention.send(purchase("1"))
    await (await retention.owner("a")).read_all()
    retention.send(purchase("1"), purchase("2"))
    await (await retention.owner("b")).read_all()
    assert ["shop|1", "shop|2"] == await retention.stored()


async def test_memory_does_not_grow_with_the_causes_of_a_customer_and_the_oldest_is_a_duplicate_still(
    retention: Deployment,
) -> None:
    retention.snapshot_every = 4
    causes = [str(number) for number in range(50)]
    member = await retention.owner()
    for cause in causes:
        retention.send(purchase(cause))
        await member.read_all()
    [chain] = member.processor._cache.values()
    assert len(chain.causes) <= 2 * 4
    retention.send(purchase("0"), purchase("50"))
    await member.read_all()
    assert [f"shop|{cause}" for cause in (*causes, "50")] == await retention.stored()
    assert 51 == len(retention.log)


async def test_the_same_event_in_another_layout_is_a_duplicate(retention: Deployment) -> None:
    retention.send(purchase("1"), purchase("1", extension="ignored").replace(b", ", b",\n"))
    await (await retention.owner()).read_all()
    assert (["shop|1"], []) == (await retention.stored(), retention.letters)


@pytest.mark.parametrize("snapshot_every", [1, 32], ids=["behind a snapshot", "in the chain"])
async def test_an_id_used_again_with_other_content_is_a_dead_letter_and_changes_nothing(snapshot_every: int) -> None:
    retention = Deployment(snapshot_every=snapshot_every)
    retention.send(purchase("1", amount=100))
    await (await retention.owner("a")).read_all()
    retention.send(other := purchase("1", amount=999))
    await (await retention.owner("b")).read_all()
    assert ["shop|1"] == await retention.stored()
    assert [("id-used-again", 1, other)] == [(x.code, x.offset, x.value) for x in retention.letters]


async def test_a_cause_that_decides_nothing_is_stored_all_the_same(retention: Deployment) -> None:
    retention.send(event("tenure.alert-acknowledged.v1", "1", "anna", 0, {"alert": "analytics/1/anna/1", "by": "mia"}))
    await (await retention.owner()).read_all()
    assert ["cause-noted by 1"] == retention.log


async def test_causes_of_a_customer_are_decided_in_the_order_of_the_inbox(retention: Deployment) -> None:
    retention.send(*(purchase(str(n)) for n in range(5)))
    retention.send(purchase("x", "bert"), customer="bert")
    await (await retention.owner()).read_all(most=2)
    assert [f"shop|{n}" for n in range(5)] == await retention.stored()
    assert list(range(1, 6)) == [fact.sequence for fact in retention.facts()]


async def test_what_is_published_is_what_is_stored(retention: Deployment) -> None:
    retention.send(purchase("1"), purchase("2"))
    await (await retention.owner()).read_all()
    stored = [raw async for commit in retention.store.scan() for raw in commit.events]
    assert stored == [record.value for record in retention.broker.records("customer.events")]


async def test_nothing_is_committed_before_it_is_published(retention: Deployment) -> None:
    retention.send(purchase("1"))
    publisher = FailsToPublish(retention.broker, times=0)
    member = await retention.owner(publisher=publisher)
    publisher.times = 1
    await member.read()
    assert ([], 0) == (retention.log, retention.committed)
    await member.read_all()
    assert (["purchase-recorded by 1"], 1) == (retention.log, retention.committed)


async def test_a_publish_without_an_answer_is_repeated_with_the_same_bytes(retention: Deployment) -> None:
    retention.send(purchase("1"))
    member = await retention.owner(publisher=Unanswered(retention.broker, times=1))
    await member.read_all()
    first, second = retention.broker.records("customer.events")
    assert first.value == second.value
    assert ["shop|1"] == await retention.stored()


async def test_an_insert_without_an_answer_is_found_to_be_ones_own(retention: Deployment) -> None:
    retention.store = LosesTheAnswer(clock=lambda: retention.now.timestamp())
    retention.send(purchase("1"), purchase("2"))
    await (await retention.owner()).read_all()
    assert ["shop|1", "shop|2"] == await retention.stored()
    assert ["purchase-recorded by 1", "purchase-recorded by 2"] == retention.log


async def test_after_too_many_failures_in_a_row_the_process_asks_to_be_ended(retention: Deployment) -> None:
    retention.send(purchase("1"))
    publisher = FailsToPublish(retention.broker, times=0)
    member = await retention.owner(publisher=publisher)
    publisher.times = 1_000
    await member.read_all()
    assert 1 == len(member.stops)
    assert "failures in a row" in member.stops[0]
    assert 0 == retention.committed


async def test_a_stale_owner_is_refused_decides_again_and_publishes_only_what_is_stored(retention: Deployment) -> None:
    retention.send(purchase("1"))
    stale = await retention.owner("a")
    await stale.read_all()
    retention.say(complaint_cause())
    owner = await retention.owner("b")
    await owner.read_all()  # decides the complaint's cause behind purchase 1
    retention.send(purchase("2"))
    await stale.read_all()  # believes that 2 is the next sequence
    stored = [raw async for commit in retention.store.scan() for raw in commit.events]
    published = {record.value for record in retention.broker.records("customer.events")} - {complaint_cause()}
    assert set(stored) == published
    assert ["shop|1", "tenure/interaction|interaction/anna/1", "shop|2"] == await retention.stored()


async def test_a_stale_owner_commits_nothing(retention: Deployment) -> None:
    stale = await retention.owner("a")
    await retention.owner("b")
    retention.send(purchase("1"))
    await stale.read_all()
    assert 0 == retention.committed


async def test_a_stale_owner_does_not_decide_a_cause_a_second_time(retention: Deployment) -> None:
    stale = await retention.owner("a")
    owner = await retention.owner("b")
    retention.send(purchase("1"))
    await owner.read_all()
    await stale.read_all()
    assert ["shop|1"] == await retention.stored()
    assert {"purchase-recorded by 1"} == set(retention.log)


async def dies_before_publishing(retention: Deployment, *events: bytes, customer: str = "anna") -> None:
    """Its commits are stored, nothing else of them is anywhere."""
    publisher = FailsToPublish(retention.broker, times=0)
    dying = await retention.owner("dying", publisher=publisher)
    retention.send(*events, customer=customer)
    publisher.times = 1
    await dying.read()


async def test_a_takeover_publishes_what_a_dead_owner_left(retention: Deployment) -> None:
    await dies_before_publishing(retention, purchase("1"), purchase("2"))
    retention.now = day(1)
    await retention.owner("b")
    assert ["purchase-recorded by 1", "purchase-recorded by 2"] == retention.log


async def test_the_sweep_publishes_what_a_stale_owner_stored_after_the_takeover(retention: Deployment) -> None:
    owner = await retention.owner("b")
    commit = await stored_by_another_release(retention)
    await owner.sweep()
    assert [] == retention.log  # younger than a batch may take: its owner may be about to publish it
    retention.now = day(0) + timedelta(seconds=UNPUBLISHED_AFTER_S)
    await owner.sweep()
    assert list(commit.events) == [record.value for record in retention.broker.records("customer.events")]
    assert set() == await retention.store.unpublished([0], older_than_s=0)


async def stored_by_another_release(retention: Deployment) -> Commit:
    """A commit under whose cause no record of this inbox stands."""
    elsewhere = Deployment()
    elsewhere.send(purchase("1"))
    await (await elsewhere.owner(keeps_marks=False)).read_all()
    [commit] = [commit async for commit in elsewhere.store.scan()]
    await retention.store.append([commit])
    return commit


async def test_what_is_unpublished_goes_ahead_of_anything_new_of_the_customer(retention: Deployment) -> None:
    await dies_before_publishing(retention, purchase("1"))
    owner = await retention.owner("b")  # too early for the sweep
    assert [] == retention.log
    retention.say(complaint_cause())
    await owner.read_all()
    assert [1, 2] == [fact.sequence for fact in retention.facts()]


class ForgetsMarks(MemoryEventStore):
    """Marks of these commits were acknowledged by one server only, and that one has gone."""

    forgotten: frozenset[str] = frozenset()

    async def mark_published(self, commits: Sequence[Commit]) -> None:
        await super().mark_published([c for c in commits if c.key not in self.forgotten])


async def test_a_lost_mark_behind_a_snapshot_is_found_by_the_sweep() -> None:
    retention = Deployment(snapshot_every=1)
    store = retention.store = ForgetsMarks(clock=lambda: retention.now.timestamp())
    store.forgotten = frozenset({"anna/1"})
    retention.send(purchase("1"), purchase("2"))
    await (await retention.owner("a")).read_all()
    assert {"anna"} == await store.unpublished([0], older_than_s=0)
    store.forgotten = frozenset()
    retention.now = day(1)
    await (await retention.owner("b")).sweep()
    assert set() == await store.unpublished([0], older_than_s=0)
    assert ["purchase-recorded by 1", "purchase-recorded by 2", "purchase-recorded by 1"] == retention.log


async def test_a_lost_mark_costs_a_copy_and_nothing_else(retention: Deployment) -> None:
    retention.send(purchase("1"))
    await (await retention.owner("a", keeps_marks=False)).read_all()
    await (await retention.owner("b")).read_all()
    retention.send(purchase("2"))
    await (await retention.owner("c")).read_all()
    assert ["purchase-recorded by 1"] * 2 + ["purchase-recorded by 2"] == retention.log


async def test_a_fact_of_another_service_is_a_cause_once_whatever_its_copies(retention: Deployment) -> None:
    for _ in range(2):
        retention.say(complaint_cause())
    member = await retention.owner()
    await member.read_all()
    retention.say(complaint_cause())
    await member.read_all()
    assert ["grievance-noted by tenure/interaction|interaction/anna/1"] == retention.log


@pytest.mark.parametrize("raw", [b'{"type": "tenure.news.v9"}', b"not JSON"])
async def test_what_it_cannot_use_in_the_log_stops_nobody(retention: Deployment, raw: bytes) -> None:
    retention.say(raw)
    retention.say(complaint_cause())
    await (await retention.owner()).read_all()
    assert 1 == len(await retention.stored())

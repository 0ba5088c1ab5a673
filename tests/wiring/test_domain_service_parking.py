"""A customer whose decider raises is set aside in the log, nobody else is, and a redrive brings it back in order."""

import json

import pytest

from shared.broker import Outgoing
from shared.contracts.protocol import CauseNoted, CauseParked, CauseReleased
from shared.contracts.retention import PurchaseRecorded
from shared.event_store import Commit
from shared.kafka_publisher import plan
from shared.topics import CUSTOMER_EVENTS
from tests.wiring.deciding import Deployment, complaint_cause, day, purchase, redrive


@pytest.fixture
def retention() -> Deployment:
    return Deployment()


async def parked(retention: Deployment, *ids: str) -> None:
    """The first of them raises; the others come behind it."""
    retention.rules.broken = {f"shop|{ids[0]}"}
    retention.send(*(purchase(id_, amount=100 + n) for n, id_ in enumerate(ids)))
    await (await retention.owner()).read_all()


async def test_a_customer_whose_decider_raises_is_parked_with_the_reason_and_the_event(retention: Deployment) -> None:
    await parked(retention, "1")
    [fact] = retention.facts()
    assert isinstance(fact.data, CauseParked)
    assert "ValueError: no rule for shop|1 after ()" == fact.data.reason
    assert json.loads(purchase("1")) == fact.data.event
    assert 1 == retention.committed


async def test_later_causes_wait_behind_it_and_others_go_on(retention: Deployment) -> None:
    retention.rules.broken = {"shop|1"}
    retention.send(purchase("1"), purchase("2"))
    retention.send(purchase("3", "bert"), customer="bert")
    member = await retention.owner()
    await member.read_all()
    retention.say(complaint_cause())
    await member.read_all()
    kinds = [type(fact.data).__name__ for fact in retention.facts()]
    assert ["CauseParked"] * 3 == kinds
    assert ["shop|3"] == await retention.stored("bert")
    assert ["PurchaseRecorded"] == [type(fact.data).__name__ for fact in retention.facts("bert")]


async def test_time_waits_behind_a_parked_cause_and_goes_on_from_where_it_stood(retention: Deployment) -> None:
    retention.send(purchase("0"), on=0)
    retention.rules.broken = {"shop|1"}
    retention.send(purchase("1", on=1), on=1)
    member = await retention.owner()
    await member.read_all()
    retention.now = day(30)
    await member.processor.tick()
    await member.read_all()
    assert "lapsed" not in " ".join(retention.log)
    retention.rules.broken.clear()
    retention.send(redrive("r", on=30))
    await member.processor.tick()
    await member.read_all()
    assert [day(11)] == [fact.time for fact in retention.facts() if fact.type == "tenure.lapsed.v1"]


async def test_a_redrive_decides_what_is_parked_in_order(retention: Deployment) -> None:
    await parked(retention, "1", "2", "3")
    retention.rules.broken.clear()
    retention.send(redrive("r"), purchase("4"))
    await (await retention.owner("b")).read_all()
    after = retention.facts()[3:]
    assert ["shop|1", "shop|1", "shop|2", "shop|2", "shop|3", "shop|3", "shop|4"] == [fact.input for fact in after]
    assert ["purchase-recorded", "cause-released"] * 3 + ["purchase-recorded"] == [_short(f.type) for f in after]
    assert {"tenure/redrive|r"} == {fact.cause for fact in after[:-1]}


async def test_what_is_released_keeps_its_own_time(retention: Deployment) -> None:
    retention.now = day(1)
    await parked(retention, "1")
    retention.rules.broken.clear()
    retention.send(redrive("r", on=5), on=5)
    await (await retention.owner()).read_all()
    assert {day(0)} == {fact.time for fact in retention.facts() if fact.input == "shop|1"}


async def test_a_redrive_that_fails_again_leaves_the_rest_parked(retention: Deployment) -> None:
    await parked(retention, "1", "2", "3")
    retention.rules.broken = {"shop|2"}
    retention.send(redrive("r"), purchase("4"))
    member = await retention.owner()
    await member.read_all()
    assert ["shop|1"] == released(retention)
    assert retention.facts()[-1].type == "tenure.cause-parked.v1"
    retention.rules.broken.clear()
    retention.send(redrive("s"))
    await member.read_all()
    assert [100, 101, 102, 100] == [purchase.amount_minor for purchase in retention.said(PurchaseRecorded)]


async def test_a_redrive_that_releases_nothing_says_why(retention: Deployment) -> None:
    await parked(retention, "1")
    retention.send(redrive("r"))
    await (await retention.owner()).read_all()
    last = retention.facts()[-1].data
    assert isinstance(last, CauseNoted)
    assert "still failing: ValueError: no rule for shop|1 after ()" == last.note


async def test_a_redrive_delivered_twice_releases_once(retention: Deployment) -> None:
    await parked(retention, "1")
    retention.rules.broken.clear()
    retention.send(redrive("r"), redrive("r"))
    await (await retention.owner()).read_all()
    assert ["shop|1", "tenure/redrive|r"] == await retention.stored()


async def test_a_parked_cause_is_not_decided_by_a_copy_of_it(retention: Deployment) -> None:
    await parked(retention, "1")
    retention.rules.broken.clear()
    retention.send(purchase("1", amount=100))
    await (await retention.owner()).read_all()
    assert ["cause-parked by 1"] == retention.log


async def test_what_is_parked_survives_a_rebuild_from_the_store() -> None:
    retention = Deployment(snapshot_every=1)
    await parked(retention, "1", "2")
    retention.rules.broken.clear()
    retention.send(purchase("3"))
    await (await retention.owner("another process")).read_all()
    assert ["cause-parked by 1", "cause-parked by 2", "cause-parked by 3"] == retention.log


async def test_facts_of_others_and_what_falls_due_are_parked_and_released_alike(retention: Deployment) -> None:
    await parked(retention, "1")
    retention.say(complaint_cause())
    member = await retention.owner()
    await member.read_all()
    retention.rules.broken.clear()
    retention.send(redrive("r"))
    await member.read_all()
    assert ["shop|1", "tenure/interaction|interaction/anna/1"] == released(retention)
    assert "grievance-noted by tenure/redrive|r" in retention.log


async def test_a_parked_event_may_hold_what_cannot_be_written_again(retention: Deployment) -> None:
    await parked(retention, "1")
    strange = purchase("2")[:-1] + b', "lone": "\\ud800", "nan": NaN, "wide": [' + b"1e15," * 40_000 + b"0]}"
    retention.send(strange)
    await (await retention.owner()).read_all()
    assert [] == retention.letters
    assert json.loads(purchase("2")) == retention.said(CauseParked)[-1].event


async def test_many_parked_causes_are_released_in_commits_that_can_be_published(retention: Deployment) -> None:
    ids = [f"{n}" for n in range(1_200)]
    await parked(retention, *ids)
    retention.rules.broken.clear()
    member = await retention.owner()
    retention.send(*(redrive(f"r{n}") for n in range(10)))
    await member.read_all()
    assert [f"shop|{id_}" for id_ in ids] == released(retention)
    async for commit in retention.store.scan():
        assert 1 == len(plan([_as_published(commit)]))  # raises where it does not fit into one produce batch


def released(retention: Deployment) -> list[str]:
    return [fact.cause for fact in retention.said(CauseReleased)]


def _as_published(commit: Commit) -> list[Outgoing]:
    return [Outgoing(CUSTOMER_EVENTS, 0, commit.customer.encode(), raw) for raw in commit.events]


def _short(type_: str) -> str:
    return type_.removeprefix("tenure.").removesuffix(".v1")

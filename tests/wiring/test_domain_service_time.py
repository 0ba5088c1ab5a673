"""Time is input: what falls due is decided before what follows it, at ticks, and in history in rounds of all three."""

from dataclasses import replace

import pytest

from shared.contracts.tick import write_tick
from shared.settings import TimeSource
from shared.topics import CUSTOMER_EVENTS, partition_of
from tests.wiring.deciding import INBOX, Deployment, complaint_cause, day, purchase

LAPSED_BY = "lapsed by clock|anna/lapse/2026-01-11T00:00:00Z"
GRIEVANCE = "grievance-noted by tenure/interaction|interaction/anna/1"


@pytest.fixture
def wall() -> Deployment:
    return Deployment()


@pytest.fixture
def history() -> Deployment:
    return Deployment(time=TimeSource.HISTORY)


# In wall time.


@pytest.mark.parametrize(("said", "arrived"), [(1, 2), (2, 2), (2.001, 2)], ids=["late", "at once", "fast clock"])
async def test_a_fact_s_time_is_the_earlier_of_the_event_s_and_the_record_s(
    wall: Deployment, said: float, arrived: float
) -> None:
    wall.send(purchase("1", on=said), on=arrived)
    await (await wall.owner()).read_all()
    assert [day(min(said, arrived))] == [fact.time for fact in wall.facts()]


async def test_what_is_due_before_an_event_of_the_customer_is_decided_before_it(wall: Deployment) -> None:
    wall.send(purchase("1", on=0), on=0)
    wall.send(purchase("2", on=20), on=20)
    await (await wall.owner()).read_all()
    assert ["purchase-recorded by 1", LAPSED_BY, "purchase-recorded by 2"] == wall.log
    assert day(10) == wall.facts()[1].time


async def test_at_a_tick_what_is_due_before_it_is_decided_and_the_tick_follows(wall: Deployment) -> None:
    wall.send(purchase("1"))
    member = await wall.owner()
    await member.read_all()
    wall.now = day(11)
    await member.processor.tick()
    await member.read_all()
    assert ["purchase-recorded by 1", LAPSED_BY, "tick 11"] == wall.log


async def test_what_is_due_is_decided_once_whoever_looks(wall: Deployment) -> None:
    wall.send(purchase("1"))
    await (await wall.owner("a")).read_all()
    for on, name in ((11, "b"), (12, "c")):
        member = await wall.owner(name)
        wall.now = day(on)
        await member.processor.tick()
        await member.read_all()
    assert 1 == wall.log.count(LAPSED_BY)


async def test_another_owner_knows_who_is_to_be_looked_at(wall: Deployment) -> None:
    wall.send(purchase("1"))
    await (await wall.owner("a")).read_all()
    wall.now = day(11)
    member = await wall.owner("b")
    await member.processor.tick()
    await member.read_all()
    assert [LAPSED_BY, "tick 11"] == wall.log[1:]


async def test_what_has_moved_on_in_the_meantime_is_looked_at_and_not_decided(wall: Deployment) -> None:
    wall.send(purchase("1", on=0), on=0)
    wall.send(purchase("2", on=5), on=5)
    member = await wall.owner()
    await member.read_all()
    wall.now = day(11)
    await member.processor.tick()
    await member.read_all()
    assert "tick 11" == wall.log[-1]
    assert LAPSED_BY not in wall.log
    wall.now = day(16)
    await member.processor.tick()
    await member.read_all()
    assert ["lapsed by clock|anna/lapse/2026-01-16T00:00:00Z", "tick 16"] == wall.log[-2:]


async def test_a_tick_of_the_own_inbox_means_the_broker_s_time_whatever_it_says(wall: Deployment) -> None:
    wall.now = day(3)
    wall.broker.append(INBOX, 0, None, write_tick("tenure/gateway", day(300)))
    await (await wall.owner()).read_all()
    assert ["tick 3"] == wall.log


async def test_facts_of_others_are_decided_as_they_are_read(wall: Deployment) -> None:
    wall.say(complaint_cause(on=0))
    await (await wall.owner()).read_all()
    assert [GRIEVANCE] == wall.log


# In history time.


async def test_a_fact_s_time_is_the_event_s_own_in_history(history: Deployment) -> None:
    history.send(purchase("1", on=-5_000))
    await (await history.owner()).read_all()
    assert [day(-5_000)] == [fact.time for fact in history.facts()]


async def test_nothing_behind_a_tick_is_decided_before_all_three_services_have_ticked(history: Deployment) -> None:
    history.send(purchase("1", on=1))
    history.tick(2)
    history.send(purchase("2", on=3))
    member = await history.owner()
    await member.read_all()
    assert (["purchase-recorded by 1", "tick 2"], 1) == (history.log, history.committed)
    history.others_tick(2, "acquisition")
    await member.read_all()
    assert (["purchase-recorded by 1", "tick 2"], 1) == (history.log, history.committed)
    history.others_tick(2, "interaction")
    await member.read_all()
    assert (["purchase-recorded by 1", "tick 2", "purchase-recorded by 2"], 3) == (history.log, history.committed)


async def test_the_own_tick_does_not_wait_for_the_others(history: Deployment) -> None:
    history.tick(2)
    await (await history.owner()).read_all()
    assert ["tick 2"] == history.log


async def test_facts_of_others_are_decided_in_order_at_their_tick_and_dated_there(history: Deployment) -> None:
    history.tick(5)
    member = await history.owner()
    await member.read_all()
    history.say(complaint_cause(sequence=2, on=3))
    history.say(complaint_cause(sequence=1, on=1))
    history.say(complaint_cause(sequence=3, on=5))  # not before the tick
    history.others_tick(5)
    await member.read_all()
    facts = history.facts()
    assert [1, 2] == [int(fact.cause.rpartition("/")[2]) for fact in facts]
    assert {day(5)} == {fact.time for fact in facts}


async def test_what_is_held_is_found_again_after_a_restart(history: Deployment) -> None:
    history.say(complaint_cause(on=1))
    history.tick(5)
    await (await history.owner("a")).read_all()
    assert ["tick 5"] == history.log
    history.others_tick(5)
    await (await history.owner("b")).read_all()
    assert GRIEVANCE in history.log


async def test_a_crash_before_the_others_have_ticked_repeats_the_tick_and_nothing_else(history: Deployment) -> None:
    history.send(purchase("1", on=1))
    history.tick(2)
    await (await history.owner("a")).read_all()
    await (await history.owner("b")).read_all()
    assert ["purchase-recorded by 1", "tick 2", "tick 2"] == history.log


async def test_a_fact_held_in_one_grouping_or_another_is_decided_the_same() -> None:
    logs = []
    for most in (1, 2, 100):
        history = Deployment(time=TimeSource.HISTORY)
        member = await history.owner()
        for on in range(1, 4):
            history.send(purchase(f"{on}", on=on - 0.5))
            history.say(complaint_cause(sequence=on, on=on - 0.4))
            history.tick(on)
            history.others_tick(on)
        await member.read_all(most=most)
        logs.append([(fact.sequence, fact.cause, fact.time) for fact in history.facts()])
    assert logs[0] == logs[1] == logs[2]
    assert 6 == len(logs[0])


async def test_a_partition_does_not_wait_for_another_one() -> None:
    history = Deployment(time=TimeSource.HISTORY, partitions=2)
    for partition in (0, 1):
        history.tick(2, partition=partition)
        history.send(purchase("x", name := NAMES[partition], on=3), customer=name)
    history.others_tick(2, partition=1)
    await (await history.owner()).read_all()
    assert ([], ["shop|x"]) == (await history.stored(NAMES[0]), await history.stored(NAMES[1]))


NAMES = [next(name for name in ("anna", "bert", "carl", "dora") if partition_of(name, 2) == n) for n in (0, 1)]


async def test_a_tick_without_a_time_is_set_aside_in_history(history: Deployment) -> None:
    history.broker.append(INBOX, 0, None, write_tick("tenure/gateway", None))
    await (await history.owner()).read_all()
    assert ["invalid-tick"] == [letter.code for letter in history.letters]


async def test_a_tick_of_the_past_moves_nothing_back(history: Deployment) -> None:
    history.tick(5)
    history.others_tick(5)
    member = await history.owner()
    await member.read_all()
    history.tick(4)  # a sender that was restarted sends some of it again
    history.send(purchase("1", on=6))
    await member.read_all()
    assert ["tick 5", "tick 4", "purchase-recorded by 1"] == history.log


async def test_the_offset_of_the_log_never_passes_the_newest_ticks(history: Deployment) -> None:
    history.tick(2)
    history.others_tick(2)
    member = await history.owner()
    await member.read_all()
    ticks = [r.offset for r in history.broker.records(CUSTOMER_EVENTS)]
    committed = {tp.topic: offset for tp, offset in history.broker.committed("retention").items()}
    assert committed[CUSTOMER_EVENTS] <= min(ticks)


async def test_an_entry_of_the_due_list_stays_until_its_fact_is_acknowledged(wall: Deployment) -> None:
    wall.send(purchase("1"))
    member = await wall.owner()
    await member.read_all()
    listed = await wall.store.open_due([0])
    assert [{"anna"}] == list(listed[0].values())
    wall.now = day(11)
    await member.processor.tick()
    await member.read_all()
    await member.sweep()
    assert {0: {}} == await wall.store.open_due([0])


async def test_a_decider_whose_clock_does_not_move_on_stops_nobody(wall: Deployment) -> None:
    right = wall.rules.decider()
    stuck = replace(
        right, evolve=lambda state, fact, at: state if "lapsed" in fact.TYPE else right.evolve(state, fact, at)
    )
    member = await wall.owner(decider=stuck)
    wall.send(purchase("1"))
    wall.send(purchase("2", "bert"), customer="bert")
    await member.read_all()
    wall.now = day(11)
    await member.processor.tick()
    await member.read_all()
    assert (LAPSED_BY in wall.log, "tick 11") == (True, wall.log[-1])

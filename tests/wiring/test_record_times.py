"""A record dated ahead of its time is set aside and moves nothing; nothing is thrown away because a clock is wrong."""

from datetime import timedelta

import pytest

from shared.broker import Outgoing
from shared.memory_broker import MemoryPublisher
from shared.record_times import AHEAD
from shared.settings import TimeSource
from tests.wiring.deciding import INBOX, Deployment, day, purchase

YEAR = 365.0


@pytest.fixture
def retention() -> Deployment:
    """One purchase is there, and it is day 1; the others have ticked."""
    retention = Deployment()
    retention.send(purchase("1"), on=0)
    retention.others_tick(1)
    retention.now = day(1)
    return retention


def fast(retention: Deployment, id_: str, *, by: float = YEAR) -> None:
    """A producer whose clock is fast, and whose record time is taken."""
    now = retention.now
    retention.send(purchase(id_, on=1 + by), on=1 + by)
    retention.now = now


async def test_a_record_dated_a_year_ahead_is_set_aside_and_its_neighbours_are_taken(retention: Deployment) -> None:
    fast(retention, "fast")
    retention.send(purchase("2", on=1))
    member = await retention.owner()
    await member.read_all()
    [letter] = retention.letters
    assert ("record-time-ahead", 1, ["shop|1", "shop|2"]) == (letter.code, letter.offset, await retention.stored())
    assert (
        "dated 2027-01-02T00:00:00Z, more than 0:05:00 after the broker's time, 2026-01-02T00:00:00Z" in letter.reason
    )
    assert not [said for said in retention.log if said.startswith("lapsed")]
    assert [] == member.pauses


async def test_a_tick_dated_a_year_ahead_moves_no_clock(retention: Deployment) -> None:
    member = await retention.owner()
    retention.now = day(YEAR)
    await member.processor.tick()
    retention.now = day(1)
    await member.processor.tick()
    await member.read_all()
    assert ["record-time-ahead"] == [letter.code for letter in retention.letters]
    assert {"tick 1"} == {said for said in retention.log if said.startswith("tick")}


@pytest.mark.parametrize(("by", "refused"), [(AHEAD, []), (AHEAD + timedelta(seconds=1), ["record-time-ahead"])])
async def test_clocks_may_differ_by_five_minutes(retention: Deployment, by: timedelta, refused: list[str]) -> None:
    fast(retention, "fast", by=by / timedelta(days=1))
    await (await retention.owner()).read_all()
    assert refused == [letter.code for letter in retention.letters]


async def test_a_host_whose_clock_is_slow_refuses_nothing_and_asks_seldom(retention: Deployment) -> None:
    member = await retention.owner(now=lambda: day(-YEAR))
    for n in range(2, 9):
        retention.send(purchase(str(n), on=1))
        await member.read_all()
    assert ([], 8, []) == (retention.letters, len(await retention.stored()), member.pauses)
    assert 1 == sum(record.key is None for record in retention.broker.records(INBOX))


async def test_a_host_whose_clock_is_fast_decides_nothing_either(retention: Deployment) -> None:
    await (await retention.owner(now=lambda: day(10))).read_all()
    assert ["purchase-recorded by 1"] == retention.log


async def test_while_another_service_s_clock_says_that_the_record_is_right_nothing_is_refused(
    retention: Deployment,
) -> None:
    fast(retention, "2")
    retention.others_tick(1 + YEAR, "interaction")
    member = await retention.owner()
    await member.read_all()
    assert ["interaction 2027-01-02T00:00:00Z" in stop for stop in member.stops] == [True]
    assert ([], [], 0) == (retention.letters, await retention.stored(), retention.committed)
    retention.now = day(1 + YEAR)  # the clock was slow, and is set right
    await (await retention.owner("b")).read_all()
    assert ([], ["shop|1"]) == (retention.letters, (await retention.stored())[:1])
    assert "shop|2" in await retention.stored()


class TwoClocks(MemoryPublisher):
    """The leader of partition 1 is a year ahead of that of partition 0."""

    async def date(self, record: Outgoing) -> int:
        return await super().date(record) + record.partition * round(YEAR * 86_400_000)


async def test_while_two_brokers_clocks_differ_nothing_is_refused_and_nothing_moves() -> None:
    retention = Deployment(partitions=2)
    retention.send(purchase("1"), on=YEAR)
    retention.now = day(0)
    member = await retention.owner(publisher=TwoClocks(retention.broker))
    await member.read_all()
    assert ["partition 0" in stop and "partition 1" in stop for stop in member.stops] == [True]
    assert ([], []) == (retention.letters, await retention.stored())


async def test_in_history_record_times_say_nothing() -> None:
    retention = Deployment(time=TimeSource.HISTORY)
    fast(retention, "1")
    await (await retention.owner()).read_all()
    assert ([], ["shop|1"]) == (retention.letters, await retention.stored())

"""A fact is missing in the log: what becomes of its partition in analytics, and of the others?"""

from collections.abc import Sequence

import pytest

from services.analytics.partition import SequenceGap
from services.analytics.reader import AttritionReader
from services.analytics.rules import Rules
from shared.broker import TopicPartition
from shared.memory_broker import MemoryBroker, MemoryRecord
from shared.memory_checkpoints import MemoryCheckpoints
from shared.topics import ALERTS, CUSTOMER_EVENTS, POPULATION, RISK
from tests.stories import numbered, purchase, told

LOG_0, LOG_1 = (TopicPartition(CUSTOMER_EVENTS, number) for number in range(2))
FIRST, SECOND, THIRD = numbered(told("retention", "c", *((n, purchase(1999)) for n in range(3))))
ELSEWHERE = MemoryRecord(CUSTOMER_EVENTS, 1, 0, 0, b"d", told("retention", "d", (1, purchase(1)))[0].value)


class Deployment:
    """Two partitions of the log."""

    def __init__(self) -> None:
        self.broker, self.checkpoints = MemoryBroker(), MemoryCheckpoints()
        for name in (ALERTS, RISK, POPULATION):
            self.broker.create_topic(name, 2)

    def reader(self) -> AttritionReader:
        """A process that has nothing in memory."""
        return AttritionReader(
            Rules(), self.checkpoints, self.broker.publisher(), results={}, history=False, now=lambda: 0.0
        )


async def halted(deployment: Deployment, records: Sequence[MemoryRecord]) -> AttritionReader:
    """A process that has seen the gap twice."""
    reader = deployment.reader()
    await reader.assigned([0, 1])
    with pytest.raises(SequenceGap):
        await reader.handle(records)
    await reader.assigned([0, 1])
    await reader.handle(records)
    return reader


async def test_a_gap_that_is_seen_from_old_state_is_none() -> None:
    deployment = Deployment()
    stale, owner = deployment.reader(), deployment.reader()
    for reader in (stale, owner):
        await reader.assigned([0, 1])
    await owner.handle([FIRST, SECOND])
    await owner.save()
    with pytest.raises(SequenceGap):
        await stale.handle([THIRD])
    assert 2 == (await stale.assigned([0, 1]))[LOG_0]
    await stale.handle([THIRD])
    assert ([], [], {LOG_0: 3}) == (stale.halts(), stale.full(), await stale.save())


async def test_a_gap_that_stays_stops_its_partition_and_the_others_go_on() -> None:
    reader = await halted(Deployment(), [FIRST, THIRD, ELSEWHERE])
    assert [LOG_0] == reader.full()
    [said] = reader.halts()
    assert "retention lost facts 2 to 2 of customer c" in said
    assert {LOG_1: 1} == await reader.save()


async def test_nothing_of_a_partition_with_a_gap_is_taken_any_more() -> None:
    reader = await halted(Deployment(), [FIRST, THIRD])
    later = MemoryRecord(CUSTOMER_EVENTS, 0, 3, 0, b"d", ELSEWHERE.value)
    await reader.handle([later])
    assert ["c"] == [customer for customer, _ in reader.partitions[0].books.items()]


async def test_whoever_is_given_a_partition_with_a_gap_finds_the_gap_again() -> None:
    deployment = Deployment()
    await (await halted(deployment, [FIRST, THIRD, ELSEWHERE])).save()
    successor = deployment.reader()
    starts = await successor.assigned([0, 1])
    assert (0, 1) == (starts[LOG_0], starts[LOG_1])
    with pytest.raises(SequenceGap):
        await successor.handle([FIRST, THIRD])

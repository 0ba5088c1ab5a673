"""Each safeguard taken away in the test's own wiring, one at a time: the simulation must see it, or it could see
nothing at all."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from services.analytics.reader import AttritionReader
from shared.broker import Outgoing, Position, Record, TopicPartition
from shared.consumption import Consumption
from shared.event_store import Buckets, Commit, History, Refused
from shared.inbox import Tick
from shared.processor import Processor
from shared.rounds import PartitionRounds, Turn
from shared.settings import TimeSource
from tests.simulation import test_history as history
from tests.simulation import test_wall as wall
from tests.simulation.faults import FaultyStore
from tests.simulation.world import Wiring

MANY_FAULTS = 12  # in every run, where one run in three has none
MOST_SEEDS = 500  # by far enough for each; the rare ones need two owners and an unlucky order


class LoadsWithoutTail(FaultyStore):
    """Loading a customer does not bring what is stored and not published."""

    async def load(self, customers: Collection[str], *, rules: str) -> dict[str, History]:
        found = await super().load(customers, rules=rules)
        return {
            customer: History(h.snapshot, tuple(replace(commit, published=True) for commit in h.commits))
            for customer, h in found.items()
        }


class PublishesWhatWasRefused(FaultyStore):
    """What was computed goes out, whether it was stored or not."""

    async def append(self, commits: Sequence[Commit]) -> None:
        try:
            await super().append(commits)
        except Refused:
            return


class ForgetsTheDueList(FaultyStore):
    """Nobody is looked at when time passes, but those who happen to be touched."""

    async def add_due(self, due: Buckets) -> None:
        return


class KeepsItsCache(Processor[Any]):
    """After an error or a new assignment it goes on with what it remembers."""

    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        kept = dict(self._cache)
        answer = await super().assigned(partitions)
        self._cache |= kept
        return answer


class SwallowsErrors(Consumption):
    """An error is noted, and reading goes on behind the batch."""

    async def _recover(self, error: Exception) -> None:
        return


class BelievesTheBroker(Consumption):
    """Does not look whether records were passed over."""

    async def deliver(self, position: Position, records: Sequence[Record]) -> None:
        self._contiguity.restart({})
        await super().deliver(position, records)


class Impatient(PartitionRounds):
    """Does not wait for the ticks of the others."""

    def _finish_round(self, turn: Turn, tick: Tick) -> bool:
        due, self._held = self._held, []
        self._take_facts(turn, due, at=tick.at)
        turn.done[self.inbox] = tick.record.offset + 1
        self._waiting = None
        return True


class DoesNotWait(Processor[Any]):
    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        answer = await super().assigned(partitions)
        self._rounds = {n: Impatient(n, r.inbox, r.log, TimeSource.HISTORY) for n, r in self._rounds.items()}
        return answer


class SavesFirst(AttritionReader):
    """Saves what it has judged before what it says of it is acknowledged."""

    async def _published(self, messages: Sequence[Outgoing]) -> Mapping[TopicPartition, int]:
        done = await super()._published([])
        await self._publisher.publish([[message] for message in messages])
        return done


class BelievesRecordTimes(Processor[Any]):
    """Takes every record's time for the broker's own."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._sorting._times = None


WITHOUT: dict[str, tuple[Callable[[int, Wiring], list[str]], Wiring]] = {
    "the fence": (partial(wall.findings, faults=MANY_FAULTS), Wiring(fence=False)),
    "the cause index": (history.findings, Wiring(cause_index=False)),
    "the unpublished tail": (history.findings, Wiring(faulty_store=LoadsWithoutTail)),
    "publishing only what is stored": (wall.findings, Wiring(faulty_store=PublishesWhatWasRefused)),
    "eviction": (history.findings, Wiring(processor=KeepsItsCache)),
    "reading again after an error": (history.findings, Wiring(consumption=SwallowsErrors)),
    "noticing what was passed over": (history.findings, Wiring(consumption=BelievesTheBroker)),
    "rounds": (history.findings, Wiring(processor=DoesNotWait)),
    "publishing before saving": (history.findings, Wiring(reader=SavesFirst)),
    "asking the broker's clock": (wall.findings_with_a_fast_clock, Wiring(processor=BelievesRecordTimes)),
    "the due list": (history.findings, Wiring(faulty_store=ForgetsTheDueList)),
}


@pytest.mark.parametrize("safeguard", WITHOUT)
def test_the_simulation_turns_red_without(safeguard: str) -> None:
    findings, wiring = WITHOUT[safeguard]
    assert any(findings(seed, wiring) for seed in range(MOST_SEEDS))

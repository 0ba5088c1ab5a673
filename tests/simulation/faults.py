"""What may go wrong between a process and its servers, as wrappers around the in-memory ones; each fault is drawn by
the scheduler.

`late` holds what was given up by its caller and is carried out all the same, later: a produce batch, an insert.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from random import Random

from shared.broker import Outgoing, PublishUnknown
from shared.event_store import Buckets, Commit, History, Refused, Snapshot
from shared.memory_broker import MemoryBroker
from shared.memory_store import MemoryEventStore
from tests.simulation.stepping import run


@dataclass
class Chance:
    """How many faults are left, and who draws them."""

    rng: Random
    budget: int
    rate: float = 0.1
    late: list[Callable[[], bool]] = field(default_factory=list)  # each call does one more piece; False: finished

    def strikes(self) -> bool:
        if self.budget <= 0 or self.rng.random() >= self.rate:
            return False
        self.budget -= 1
        return True


class FaultyPublisher:
    """Publisher: a produce may be lost, or its answer, or it may arrive after its caller gave up."""

    def __init__(self, broker: MemoryBroker, chance: Chance) -> None:
        self._broker, self._chance = broker, chance
        self._inner = broker.publisher()

    async def publish(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        groups = [group for group in groups if group]
        if groups and self._chance.strikes():
            sent = self._chance.rng.randrange(len(groups) + 1)
            await self._inner.publish(groups[:sent])
            if self._chance.rng.random() < 0.5:
                self._chance.late.append(self._deliver_later(list(groups[sent:])))
            raise PublishUnknown("no answer")
        await self._inner.publish(groups)

    async def date(self, record: Outgoing) -> int:
        if self._chance.strikes():
            raise PublishUnknown("no answer")
        return await self._inner.date(record)

    def _deliver_later(self, groups: list[Sequence[Outgoing]]) -> Callable[[], bool]:
        def deliver() -> bool:
            if groups:
                for r in groups.pop(0):
                    self._broker.append(r.topic, r.partition, r.key, r.value, r.headers)
            return bool(groups)

        return deliver


class FaultyStore:
    """EventStore: an insert may stop half way, be done without an answer, or be carried out later; a mark may be
    lost."""

    def __init__(self, inner: MemoryEventStore, chance: Chance) -> None:
        self._inner, self._chance = inner, chance

    async def append(self, commits: Sequence[Commit]) -> None:
        if not self._chance.strikes():
            await self._inner.append(commits)
            return
        done = self._chance.rng.randrange(len(commits) + 1)
        if done:
            await self._inner.append(commits[:done])
        if self._chance.rng.random() < 0.5:
            self._chance.late.append(self._insert_later(list(commits[done:])))
        raise TimeoutError("the insert was not answered")

    def _insert_later(self, commits: list[Commit]) -> Callable[[], bool]:
        def insert() -> bool:
            if commits:
                try:
                    run(self._inner.append([commits.pop(0)]))
                except Refused:
                    commits.clear()  # ordered: nothing behind a refusal
            return bool(commits)

        return insert

    async def mark_published(self, commits: Sequence[Commit]) -> None:
        if not self._chance.strikes():
            await self._inner.mark_published(commits)

    async def load(self, customers: Collection[str], *, rules: str) -> dict[str, History]:
        return await self._inner.load(customers, rules=rules)

    async def find_causes(self, causes: Collection[tuple[str, str]]) -> dict[tuple[str, str], Commit]:
        return await self._inner.find_causes(causes)

    async def unpublished(self, partitions: Collection[int], *, older_than_s: float) -> set[str]:
        return await self._inner.unpublished(partitions, older_than_s=older_than_s)

    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        await self._inner.save_snapshots(snapshots)

    async def add_due(self, due: Buckets) -> None:
        await self._inner.add_due(due)

    async def remove_due(self, due: Buckets) -> None:
        await self._inner.remove_due(due)

    async def open_due(self, partitions: Collection[int]) -> dict[int, dict[int, set[str]]]:
        return await self._inner.open_due(partitions)

    def scan(self) -> AsyncIterator[Commit]:
        return self._inner.scan()

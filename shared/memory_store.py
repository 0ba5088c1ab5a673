"""The event store in memory: the same promises, refusals and orders as on MongoDB, for tests, simulation and rehearsal.

It is driven by any coroutine runner, also by hand. What the database does in several steps takes several steps here,
each announced to `pause`; between two of them another owner may come. The switches take away one index each, to show
what it guards.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from shared.event_store import Buckets, Commit, History, Refused, Snapshot
from shared.insert_limits import check_insert
from shared.pause import Pause, go_on


@dataclass(slots=True)
class _Stored:
    commit: Commit
    at: float


class MemoryEventStore:
    """EventStore. `fence`: a sequence number is taken once. `cause_index`: a cause is taken once per customer."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        pause: Pause = go_on,
        fence: bool = True,
        cause_index: bool = True,
    ) -> None:
        self._clock, self._pause = clock, pause
        self._fence, self._cause_index = fence, cause_index
        self._chains: dict[str, dict[int, list[_Stored]]] = {}  # more than one under a sequence only without the fence
        self._causes: dict[tuple[str, str], _Stored] = {}
        self._unmarked: dict[tuple[str, int, str], _Stored] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._due: dict[tuple[int, int], set[str]] = {}

    async def load(self, customers: Collection[str], *, rules: str) -> dict[str, History]:
        await self._pause("load: snapshots")
        snapshots = {c: s for c in customers if (s := self._snapshots.get(c)) and s.rules == rules}
        histories = {}
        for customer in customers:
            await self._pause("load: chain")
            snapshot = snapshots.get(customer)
            histories[customer] = History(snapshot, self._chain(customer, snapshot.last if snapshot else 0))
        return histories

    async def append(self, commits: Sequence[Commit]) -> None:
        check_insert(commits)
        await self._pause("append")
        at = self._clock()
        for index, commit in enumerate(commits):
            if index:
                await self._pause("append: next")
            if self._collides(commit):
                raise Refused(index)
            self._insert(_Stored(commit, at))
        await self._pause("append: stored")

    async def find_causes(self, causes: Collection[tuple[str, str]]) -> dict[tuple[str, str], Commit]:
        await self._pause("find causes")
        return {pair: stored.commit for pair in causes if (stored := self._causes.get(pair))}

    async def mark_published(self, commits: Sequence[Commit]) -> None:
        for commit in commits:
            await self._pause("mark")
            for stored in self._chains.get(commit.customer, {}).get(commit.first, ()):
                stored.commit = replace(stored.commit, published=True)
                self._unmarked.pop(_identity(stored.commit), None)

    async def unpublished(self, partitions: Collection[int], *, older_than_s: float) -> set[str]:
        await self._pause("unpublished")
        newest = self._clock() - older_than_s
        return {
            s.commit.customer for s in self._unmarked.values() if s.at <= newest and s.commit.partition in partitions
        }

    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        for snapshot in snapshots:
            await self._pause("save snapshot")
            stored = self._snapshots.get(snapshot.customer)
            if stored is None or stored.last <= snapshot.last:
                self._snapshots[snapshot.customer] = snapshot

    async def add_due(self, due: Buckets) -> None:
        for key, customers in _flat(due):
            await self._pause("add due")
            self._due.setdefault(key, set()).update(customers)

    async def remove_due(self, due: Buckets) -> None:
        for key, customers in _flat(due):
            await self._pause("remove due")
            self._due.get(key, set()).difference_update(customers)
        for key, _ in _flat(due):
            await self._pause("remove due: empty bucket")
            if not self._due.get(key, True):
                del self._due[key]

    async def open_due(self, partitions: Collection[int]) -> dict[int, dict[int, set[str]]]:
        await self._pause("open due")
        lists: dict[int, dict[int, set[str]]] = {p: {} for p in partitions}
        for (partition, bucket), customers in self._due.items():
            if partition in lists and customers:
                lists[partition][bucket] = set(customers)
        return lists

    async def scan(self) -> AsyncIterator[Commit]:
        for customer in sorted(self._chains):
            await self._pause("scan")
            for _, stored in sorted(self._chains[customer].items()):
                for one in stored:
                    yield one.commit

    def _chain(self, customer: str, after: int) -> tuple[Commit, ...]:
        chain = self._chains.get(customer, {})
        commits: list[Commit] = []
        while stored := chain.get(after + 1):
            commits.extend(s.commit for s in stored)
            after = stored[-1].commit.last
        return tuple(commits)

    def _collides(self, commit: Commit) -> bool:
        taken = commit.first in self._chains.get(commit.customer, {})
        known = (commit.customer, commit.cause) in self._causes
        return (taken and self._fence) or (known and self._cause_index)

    def _insert(self, stored: _Stored) -> None:
        commit = stored.commit
        self._chains.setdefault(commit.customer, {}).setdefault(commit.first, []).append(stored)
        self._causes.setdefault((commit.customer, commit.cause), stored)
        if not commit.published:
            self._unmarked[_identity(commit)] = stored


def _flat(due: Buckets) -> Iterator[tuple[tuple[int, int], Collection[str]]]:
    for partition, buckets in sorted(due.items()):
        yield from (((partition, bucket), customers) for bucket, customers in sorted(buckets.items()) if customers)


def _identity(commit: Commit) -> tuple[str, int, str]:
    return commit.customer, commit.first, commit.cause

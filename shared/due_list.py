"""Who has to be looked at when: the customers of the own partitions for whom something may fall due, by bucket of time.

The store keeps the list, this is its mirror in memory. It is written ahead: an entry is there before the commit that
needs it, and stays until the fact of what was due is acknowledged. So an entry may be stale (that costs one look), but
none is ever missing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from shared.contracts.values import to_micros
from shared.event_store import EventStore

BUCKET_S = 3600  # one document of the store per hour and partition

Entry = tuple[int, int, str]  # partition, bucket, customer


def bucket_of(at: datetime) -> int:
    """Whole hours since 1970."""
    return to_micros(at) // (BUCKET_S * 1_000_000)


class DueList:
    """The mirror of a store's due list for the assigned partitions."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._open: dict[int, dict[int, set[str]]] = {}

    async def load(self, partitions: Collection[int]) -> None:
        """At takeover and at every sweep: another owner may have written in the meantime. Forgets nothing."""
        stored = await self._store.open_due(partitions)
        for partition in partitions:
            mirror = self._open.setdefault(partition, defaultdict(set))
            for bucket, customers in stored.get(partition, {}).items():
                mirror[bucket] |= customers

    def forget(self) -> None:
        self._open = {}

    def before(self, partition: int, at: datetime) -> dict[str, int]:
        """Customer -> the bucket it stands in, for everybody for whom something may fall due before `at`; in order of
        id."""
        last = bucket_of(at)
        found: dict[str, int] = {}
        for bucket in sorted(b for b in self._open.get(partition, {}) if b <= last):
            for customer in self._open[partition][bucket]:
                found.setdefault(customer, bucket)
        return dict(sorted(found.items()))

    async def add(self, entries: Iterable[Entry]) -> None:
        """Written ahead of the commits that need it."""
        for partition, buckets in _grouped(entries).items():
            await self._store.add_due(partition, buckets)
            for bucket, customers in buckets.items():
                self._open.setdefault(partition, defaultdict(set))[bucket] |= customers

    async def remove(self, entries: Iterable[Entry]) -> None:
        """These have been looked at and what was due is acknowledged."""
        for partition, buckets in _grouped(entries).items():
            for bucket, customers in buckets.items():
                await self._store.remove_due(partition, bucket, customers)
                mirror = self._open.get(partition, {})
                if left := mirror.get(bucket, set()) - customers:
                    mirror[bucket] = left
                else:
                    mirror.pop(bucket, None)


def _grouped(entries: Iterable[Entry]) -> dict[int, dict[int, set[str]]]:
    grouped: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for partition, bucket, customer in entries:
        grouped[partition][bucket].add(customer)
    return grouped

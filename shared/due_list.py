"""Who has to be looked at when: the customers of the own partitions for whom something may fall due, by bucket of time.

The store keeps the list, this is its mirror in memory. It is written ahead: an entry is there before the commit that
needs it, and stays until the fact of what was due is acknowledged. So an entry may be stale (that costs one look), but
none is ever missing.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from shared.contracts.values import to_micros
from shared.event_store import EventStore

BUCKET_S = 3600  # one document of the store per hour and partition
MOST_LOOKED = 2000  # entries looked at and not yet removed from the store

Entry = tuple[int, int, str]  # partition, bucket, customer
Grouped = dict[int, dict[int, set[str]]]


def bucket_of(at: datetime) -> int:
    """Whole hours since 1970."""
    return to_micros(at) // (BUCKET_S * 1_000_000)


class DueList:
    """The mirror of a store's due list for the assigned partitions."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._open: Grouped = {}
        self._looked: set[Entry] = set()  # to be removed from the store, some time: forgetting it costs a look

    async def load(self, partitions: Collection[int]) -> None:
        """At takeover and at every sweep: another owner may have written in the meantime."""
        await self._flush()
        for partition, buckets in (await self._store.open_due(partitions)).items():
            for bucket, customers in buckets.items():
                self._bucket(partition, bucket).update(customers)

    def forget(self) -> None:
        self._open, self._looked = {}, set()

    def before(self, partition: int, at: datetime) -> dict[str, int]:
        """Customer -> the bucket it stands in, for all for whom something may fall due before `at`; in order of id."""
        last = bucket_of(at)
        found: dict[str, int] = {}
        for bucket in sorted(b for b in self._open.get(partition, {}) if b <= last):
            for customer in self._open[partition][bucket]:
                found.setdefault(customer, bucket)
        return dict(sorted(found.items()))

    async def add(self, entries: Collection[Entry]) -> None:
        """Written ahead of the commits that need it."""
        if entries:
            self._looked.difference_update(entries)
            await self._store.add_due(_grouped(entries))
            for partition, bucket, customer in entries:
                self._bucket(partition, bucket).add(customer)

    async def remove(self, entries: Collection[Entry]) -> None:
        """These have been looked at and what was due is acknowledged. The store learns of it with many others."""
        for partition, bucket, customer in entries:
            left = self._bucket(partition, bucket)
            left.discard(customer)
            if not left:
                del self._open[partition][bucket]
        self._looked.update(entries)
        if len(self._looked) > MOST_LOOKED:
            await self._flush()

    async def _flush(self) -> None:
        if self._looked:
            await self._store.remove_due(_grouped(self._looked))
            self._looked = set()

    def _bucket(self, partition: int, bucket: int) -> set[str]:
        return self._open.setdefault(partition, {}).setdefault(bucket, set())


def _grouped(entries: Iterable[Entry]) -> Grouped:
    grouped: Grouped = {}
    for partition, bucket, customer in entries:
        grouped.setdefault(partition, {}).setdefault(bucket, set()).add(customer)
    return grouped

"""What stands on a customer's timeline, in which order, and where does a reader go on?

In: entries in any order. Out: entries in the order in which things happened, cut into pages. Two promises must not
break: the order depends on what the entries say and never on when they came in, and a cursor names a place in that
order, so whatever is added later neither repeats nor hides what a reader has not yet seen behind it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import msgspec

MAX_PAGE_CHARACTERS = 4 * 1024 * 1024  # of data on one page of an answer
# Where times are equal, causes stand before what follows from them. Producers not named come last.
PRODUCER_ORDER = ("interaction", "retention", "acquisition", "analytics")
_RANKS = {name: rank for rank, name in enumerate(PRODUCER_ORDER)}


class Place(NamedTuple):
    """Where an entry stands: what timelines are sorted by."""

    at: int  # microseconds since 1970
    rank: int
    producer: str
    sequence: int


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One fact or alert about a customer. Copies of it in the log are equal to it."""

    at: int  # its time, microseconds since 1970
    producer: str  # a service; of alerts "analytics/<rules>"
    sequence: int  # from 1, per producer and customer
    type: str
    data: str  # JSON, exactly as published
    cause: str | None = None  # "<source>|<id>" of what it was decided from
    input: str | None = None  # "<source>|<id>" of the channel's event, where it records one

    @property
    def source(self) -> str:
        return f"tenure/{service_of(self.producer)}"

    @property
    def key(self) -> tuple[str, int]:
        """What it is known by, within a customer."""
        return self.producer, self.sequence

    def id(self, customer: str) -> str:
        return f"{self.producer}/{customer}/{self.sequence}"


def service_of(producer: str) -> str:
    return producer.partition("/")[0]


def place_of(entry: Entry) -> Place:
    rank = _RANKS.get(service_of(entry.producer), len(_RANKS))
    return Place(entry.at, rank, entry.producer, entry.sequence)


def short_name(type_: str) -> str:
    """'tenure.purchase-recorded.v1' -> 'purchase-recorded'."""
    return type_.removeprefix("tenure.").rpartition(".v")[0] or type_


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader wants to see. Times in microseconds since 1970."""

    types: frozenset[str] = frozenset()  # full or short names; none: all
    since: int | None = None  # inclusive
    until: int | None = None  # exclusive
    as_of: int | None = None  # inclusive
    after: Place | None = None  # only what stands behind it, in the direction of reading
    newest_first: bool = False
    limit: int = 100

    def wants(self, entry: Entry) -> bool:
        return (
            (not self.types or entry.type in self.types or short_name(entry.type) in self.types)
            and self.reaches(entry.at, entry.at)
            and (self.after is None or self._is_behind(place_of(entry), self.after))
        )

    def reaches(self, first: int, last: int) -> bool:
        """Whether anything between these two times, both included, can be wanted."""
        return (
            (self.since is None or last >= self.since)
            and (self.until is None or first < self.until)
            and (self.as_of is None or first <= self.as_of)
            and (self.after is None or (first <= self.after.at if self.newest_first else last >= self.after.at))
        )

    def in_order(self, entries: Iterable[Entry]) -> list[Entry]:
        return sorted(entries, key=place_of, reverse=self.newest_first)

    def _is_behind(self, place: Place, other: Place) -> bool:
        return place < other if self.newest_first else place > other


@dataclass(frozen=True, slots=True)
class Slice:
    """Entries in the order asked for. `after`: the place to go on behind; none: this was all."""

    entries: Sequence[Entry]
    after: Place | None = None


def cut(entries: Sequence[Entry], limit: int) -> Slice:
    """The first `limit` of entries that are in order and wanted; fewer where these are large, but one."""
    sizes = accumulate(len(entry.data) for entry in entries)
    limit = min(limit, max(1, sum(size <= MAX_PAGE_CHARACTERS for size in sizes)))
    if len(entries) <= limit:
        return Slice(entries)
    return Slice(entries[:limit], place_of(entries[limit - 1]))


def is_full(entries: Sequence[Entry], limit: int) -> bool:
    """Whether a slice of them would leave something."""
    return len(entries) > limit or sum(len(entry.data) for entry in entries) > MAX_PAGE_CHARACTERS

"""The memory of one domain service: append-only commits, whose insertion is the fence between two owners of a customer.

In: commits in the order they were decided. Out: a customer's history, oldest first. Two promises must not break: a
commit is stored only if nothing else stands under its first sequence number or under its cause, and commits given
together are stored in order, up to the first that is refused. Implemented by `memory_store` and `mongo_store`, held to
one contract suite.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Commit:
    """What one cause gave: facts `first` to `last` of a customer, as the bytes that are published."""

    customer: str
    first: int
    last: int
    cause: str  # "<source>|<id>"
    events: tuple[bytes, ...]
    partition: int
    published: bool = False  # acknowledged by the log; only ever set after that

    @property
    def key(self) -> str:
        return f"{self.customer}/{self.first}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state of published commits up to sequence `last`: disposable, only there to make loading cheap."""

    customer: str
    last: int
    rules: str
    state: bytes


@dataclass(frozen=True, slots=True)
class History:
    """A customer's commits after the snapshot, contiguous, oldest first; both empty for an unknown customer."""

    snapshot: Snapshot | None = None
    commits: tuple[Commit, ...] = ()


class Refused(Exception):  # noqa: N818 - the normal answer to a stale owner
    """The commit at `index` collides with what is stored; those before it are stored, those after it are not."""

    def __init__(self, index: int) -> None:
        self.index = index
        super().__init__(f"commit {index} of the insert collides with a stored one")


Buckets = Mapping[int, Mapping[int, Collection[str]]]  # partition -> bucket of time -> customers


class EventStore(Protocol):
    """Commits of one service, written and read so that a majority has what was acknowledged."""

    async def load(self, customers: Collection[str], *, rules: str) -> dict[str, History]:
        """Every customer asked for is in the answer. Snapshots of other rules than `rules` are not used."""

    async def append(self, commits: Sequence[Commit]) -> None:
        """At most 1,000 commits and 16 MiB. Raises Refused; any other error leaves it unknown what is stored."""

    async def find_causes(self, causes: Collection[tuple[str, str]]) -> dict[tuple[str, str], Commit]:
        """(customer, cause) -> the commit it gave; those that have none are absent."""

    async def mark_published(self, commits: Sequence[Commit]) -> None:
        """May be lost: a commit not marked is published again, byte for byte."""

    async def unpublished(self, partitions: Collection[int], *, older_than_s: float) -> set[str]:
        """Customers with a commit not marked for that long."""

    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Replaces older ones; an older one never replaces a newer."""

    async def add_due(self, due: Buckets) -> None:
        """Customers to look at, by partition and bucket of time. Adding twice changes nothing."""

    async def remove_due(self, due: Buckets) -> None:
        """These have been looked at; others in the buckets stay."""

    async def open_due(self, partitions: Collection[int]) -> dict[int, dict[int, set[str]]]:
        """The whole list of these partitions, every one present. Read at takeover and by the sweep."""

    def scan(self) -> AsyncIterator[Commit]:
        """Every commit, customer by customer in order of sequence: for the audit and the rebuild."""

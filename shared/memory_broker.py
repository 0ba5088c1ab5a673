"""The log in memory: topics, partitions, offsets, groups and their troubles, for tests, simulation and rehearsal.

Groups move only when told to (`assign`): until a reader looks (`rejoin`) it goes on believing what it had, as a stalled
process does, and its commits are refused. Driven by any coroutine runner; `pause` is told every point at which a crash
leaves a trace.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.broker import Outgoing, OwnershipLost, TopicPartition
from shared.pause import Pause, go_on

Header = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """Record. `timestamp`: milliseconds, the broker's own."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()


@dataclass(slots=True)
class Group:
    """What the coordinator knows of a group."""

    generation: int = 0
    members: dict[str, tuple[TopicPartition, ...]] = field(default_factory=dict)
    committed: dict[TopicPartition, int] = field(default_factory=dict)


class MemoryBroker:
    """`clock` gives epoch seconds and dates the records."""

    def __init__(self, *, clock: Callable[[], float] = time.time, pause: Pause = go_on) -> None:
        self._clock = clock
        self.pause = pause
        self._logs: dict[TopicPartition, list[MemoryRecord]] = {}
        self._groups: dict[str, Group] = {}

    def create_topic(self, topic: str, partitions: int) -> None:
        """Raises ValueError where it exists with another number of partitions."""
        existing = len(self.partitions(topic))
        if existing not in (0, partitions):
            raise ValueError(f"{topic} has {existing} partitions, not {partitions}")
        for partition in range(partitions):
            self._logs.setdefault(TopicPartition(topic, partition), [])

    def partitions(self, topic: str) -> list[TopicPartition]:
        return [tp for tp in self._logs if tp.topic == topic]

    def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Iterable[Header] = ()
    ) -> MemoryRecord:
        """At once, for what stands outside of the simulation. Raises LookupError."""
        log = self._log(TopicPartition(topic, partition))
        record = MemoryRecord(topic, partition, len(log), int(self._clock() * 1000), key, value, tuple(headers))
        log.append(record)
        return record

    def records(self, topic: str, partition: int | None = None) -> list[MemoryRecord]:
        """All of a topic, partition by partition in order of offset, or of one partition."""
        wanted = self.partitions(topic) if partition is None else [TopicPartition(topic, partition)]
        return [record for tp in wanted for record in self._log(tp)]

    def highwater(self, partition: TopicPartition) -> int:
        """The offset that the next record will have."""
        return len(self._log(partition))

    def publisher(self) -> "MemoryPublisher":
        return MemoryPublisher(self)

    def join(self, group: str, member: str, topics: Collection[str]) -> "MemoryReader":
        """The member alone has every partition of `topics` now; `assign` deals them out otherwise."""
        partitions = tuple(tp for topic in topics for tp in self.partitions(topic))
        self.assign(group, {member: partitions})
        return self.member(group, member)

    def member(self, group: str, member: str) -> "MemoryReader":
        """A reader that has what `assign` gave that member; nothing if it gave it nothing."""
        return MemoryReader(self, group, member)

    def assign(self, group: str, shares: Mapping[str, Collection[TopicPartition]]) -> None:
        """A rebalance: from now on these members have these partitions, everybody else has none. Raises LookupError."""
        dealt = [tp for share in shares.values() for tp in share]
        if len(dealt) != len(set(dealt)):
            raise ValueError("a partition has one owner in a group")
        for tp in dealt:
            self._log(tp)
        state = self._groups.setdefault(group, Group())
        state.generation += 1
        state.members = {member: tuple(share) for member, share in shares.items()}

    def committed(self, group: str) -> dict[TopicPartition, int]:
        """The next offset to read, for partitions of which anything was committed."""
        return dict(self._groups[group].committed) if group in self._groups else {}

    def read(self, partition: TopicPartition, offset: int, count: int) -> Sequence[MemoryRecord]:
        return self._log(partition)[offset : offset + count]

    def group(self, group: str) -> Group:
        return self._groups.setdefault(group, Group())

    def _log(self, partition: TopicPartition) -> list[MemoryRecord]:
        try:
            return self._logs[partition]
        except KeyError:
            raise LookupError(  # nothing is created by itself
                f"{partition.topic} has no partition {partition.partition}"
            ) from None


class MemoryPublisher:
    """Publisher. A group is appended whole; a crash may fall between two groups, or before the acknowledgement."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def publish(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        for group in groups:
            if len({(r.topic, r.partition) for r in group}) > 1:
                raise ValueError("a group of records has one topic and partition")
        for group in groups:
            await self._broker.pause("publish")
            for record in group:
                self._broker.append(record.topic, record.partition, record.key, record.value, record.headers)
        await self._broker.pause("publish: acknowledged")

    async def date(self, record: Outgoing) -> int:
        await self._broker.pause("publish")
        appended = self._broker.append(record.topic, record.partition, record.key, record.value, record.headers)
        await self._broker.pause("publish: acknowledged")
        return appended.timestamp


class MemoryReader:
    """Position of one member of a group, and the reading itself."""

    def __init__(self, broker: MemoryBroker, group: str, member: str) -> None:
        self._broker, self._group, self._member = broker, group, member
        self._paused: set[TopicPartition] = set()
        self._next: dict[TopicPartition, int] = {}
        self._generation = 0
        self.rejoin()

    def rejoin(self) -> Collection[TopicPartition]:
        """Learns what the group has dealt, and reads on from what is committed. Answers the assignment."""
        group = self._broker.group(self._group)
        self._generation = group.generation
        self._next = {tp: group.committed.get(tp, 0) for tp in group.members.get(self._member, ())}
        self._paused.clear()
        return self.assignment()

    def assignment(self) -> Collection[TopicPartition]:
        return list(self._next)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        await self._broker.pause("commit")
        group = self._broker.group(self._group)
        if self._generation != group.generation:
            raise OwnershipLost(
                f"{self._member} is of generation {self._generation}, {self._group} of {group.generation}"
            )
        if foreign := [tp for tp in offsets if tp not in self._next]:
            raise OwnershipLost(f"{self._member} does not own {foreign}")
        group.committed.update(offsets)
        await self._broker.pause("commit: stored")

    async def rewind(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self._broker.pause("rewind")
        committed = self._broker.group(self._group).committed
        starts = {tp: committed.get(tp, 0) for tp in partitions}
        for tp, offset in starts.items():
            self.seek(tp, offset)
        return starts

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Does nothing for a partition that is not owned: the group may have moved on."""
        if partition in self._next:
            self._next[partition] = offset

    def pause(self, *partitions: TopicPartition) -> None:
        self._paused.update(tp for tp in partitions if tp in self._next)

    def resume(self, *partitions: TopicPartition) -> None:
        self._paused.difference_update(partitions)

    def next_offset(self, partition: TopicPartition) -> int:
        """Where reading goes on. Raises KeyError for a partition that is not owned."""
        return self._next[partition]

    async def fetch(self, max_records: int) -> Sequence[MemoryRecord]:
        """What is there, at once: at most `max_records`, in order of offset per partition; empty if nothing is new."""
        await self._broker.pause("fetch")
        batch: list[MemoryRecord] = []
        for tp in [tp for tp in self._next if tp not in self._paused]:
            records = self._broker.read(tp, self._next[tp], max_records - len(batch))
            self._next[tp] += len(records)
            batch.extend(records)
        self._rotate()
        return batch

    def _rotate(self) -> None:
        """The partition that was first is last next time, so that a busy one cannot starve the others."""
        for tp in list(self._next)[:1]:
            self._next[tp] = self._next.pop(tp)

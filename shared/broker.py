"""The seam to the log: what a record is, how records are sent, what a reader may do with its position.

Implemented by `memory_broker` and `kafka`, held to one contract suite.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol


class TopicPartition(NamedTuple):
    """Equal to aiokafka's own."""

    topic: str
    partition: int


class Record(Protocol):
    """What was read. aiokafka's ConsumerRecord is one."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...  # milliseconds since 1970: the broker's own where topics are LogAppendTime
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Outgoing(NamedTuple):
    """A record to send. `partition` is always said: it decides order, so it is never left to a client's partitioner."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class PublishUnknown(Exception):  # noqa: N818 - a state of knowledge
    """The send failed or was not answered in time. Some of it may be in the log, now or later."""


class Publisher(Protocol):
    """Sends in order. A group is never split over two produce batches: a reader sees all of it or none."""

    async def publish(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        """Returns when every record is acknowledged. One group has one topic and partition; per partition one produce
        batch is under way at a time and nothing is sent after a failure. Raises PublishUnknown."""


class DatingPublisher(Publisher, Protocol):
    """One that can ask what time it is where a record goes."""

    async def date(self, record: Outgoing) -> int:
        """Publishes it, and answers its timestamp as a reader will see it: milliseconds since 1970. Raises
        PublishUnknown."""


class OwnershipLost(Exception):  # noqa: N818 - the normal answer to a stale owner
    """The group has moved on: somebody else reads these partitions now."""


class Position(Protocol):
    """What a reader may do with its place in the log."""

    def assignment(self) -> Collection[TopicPartition]: ...

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """The next offset to read, per partition. Raises OwnershipLost."""

    async def rewind(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Back to the group's committed offset, or to the very beginning where there is none. Answers where that is."""

    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def resume(self, *partitions: TopicPartition) -> None: ...


class Handler(Protocol):
    """What consumes: a domain service's processor, or a reader of the log. Called by one `Consumption`, one call at a
    time."""

    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        """These are ours now; whatever was remembered of them is forgotten. Answers where to read from, where that is
        not the group's committed offset."""

    async def handle(self, records: Sequence[Record]) -> Mapping[TopicPartition, int]:
        """Records in order of offset per partition. Answers what may be committed (next offset to read). Any exception:
        what happened to them is unknown, `assigned` is called again and they are read again."""

    def full(self) -> Collection[TopicPartition]:
        """Partitions of which no more is wanted for now."""

"""Has a reader been handed every record? A broker may answer a fetch with what stands behind a record that it does not
show yet.

In: batches, in order of offset per partition. Out: nothing, or `RecordsSkipped`, upon which everything is read again
from what is committed. Where reading again finds the same, the offsets are really missing (transaction markers of a
channel's producer, records that were deleted): that is said once, and such a topic is not watched any more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter

import structlog

from shared.broker import Record, TopicPartition

log = structlog.get_logger()

READINGS = 3  # that have to find the same
PLACE, OFFSET = attrgetter("topic", "partition"), attrgetter("offset")


class RecordsSkipped(Exception):  # noqa: N818 - a finding about the broker
    """The records before this one have not been handed over."""

    def __init__(self, partition: TopicPartition, expected: int, found: int) -> None:
        self.place = partition, expected
        super().__init__(f"{partition.topic}/{partition.partition}: {found} came after {expected - 1}")


class Contiguity:
    """Watches one reader's partitions."""

    def __init__(self) -> None:
        self._next: dict[TopicPartition, int] = {}
        self._seen: Counter[tuple[TopicPartition, int]] = Counter()
        self._with_holes: set[str] = set()

    def restart(self, starts: Mapping[TopicPartition, int]) -> None:
        """Reading begins anew, at these offsets."""
        self._next = dict(starts)

    def check(self, records: Sequence[Record]) -> None:
        """Raises RecordsSkipped, at most twice for each place."""
        for (topic, number), those in groupby(records, key=PLACE):
            partition = TopicPartition(topic, number)
            expected = self._next.get(partition)
            for offset in map(OFFSET, those):
                if expected is not None and offset > expected and topic not in self._with_holes:
                    self._found(RecordsSkipped(partition, expected, offset))
                expected = self._next[partition] = offset + 1

    def _found(self, skipped: RecordsSkipped) -> None:
        self._seen[skipped.place] += 1
        if self._seen[skipped.place] < READINGS:
            raise skipped
        log.warning("offsets_missing", reason=str(skipped))
        self._with_holes.add(skipped.place[0].topic)

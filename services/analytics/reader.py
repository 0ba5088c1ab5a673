"""Analytics as a reader of the log: publish and wait for the acknowledgement, save the state, commit the offset, in
this order.

A crash between two of them repeats the same bytes under the same ids. A gap in the log stops its partition, visibly;
the others go on.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from services.analytics.core import AlertOut, Output
from services.analytics.partition import HOUR, Partition, SequenceGap
from services.analytics.rules import Rules
from shared.broker import Outgoing, Publisher, Record, TopicPartition
from shared.checkpoints import CheckpointStore
from shared.contracts.envelope import Unreadable
from shared.dead_letters import dead_letter, set_aside
from shared.telemetry import ALERTS_PUBLISHED, SEQUENCE_GAPS
from shared.topics import ALERTS, CUSTOMER_EVENTS, RISK

log = structlog.get_logger()


class AttritionReader:
    """A `Handler` of the log."""

    def __init__(
        self,
        rules: Rules,
        checkpoints: CheckpointStore,
        publisher: Publisher,
        *,
        history: bool,
        now: Callable[[], float],
        grid: int = HOUR,
        save_every_s: float = 1.0,
    ) -> None:
        self._rules, self._checkpoints, self._publisher = rules, checkpoints, publisher
        self._history, self._grid = history, grid
        self._now, self._save_every_s, self._saved_at = now, save_every_s, now()
        self._gaps: dict[int, tuple[int, int]] = {}  # partition -> a gap seen before the state was last read
        self.partitions: dict[int, Partition] = {}

    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        loaded = {}
        for number in sorted(partitions):
            saved = await self._checkpoints.load(number)
            loaded[number] = Partition(self._rules, history=self._history, grid=self._grid, saved=saved)
        self.partitions = loaded
        return {TopicPartition(CUSTOMER_EVENTS, n): p.next_offset for n, p in loaded.items()}

    async def handle(self, records: Sequence[Record]) -> Mapping[TopicPartition, int]:
        groups = [[message] for record in records for message in self._take(record)]
        if groups:
            await self._publisher.publish(groups)
        return await self.save() if self._now() - self._saved_at >= self._save_every_s else {}

    async def save(self) -> Mapping[TopicPartition, int]:
        """What has been published becomes the state to go on from. Answers what may be committed."""
        done = {}
        for number, partition in self.partitions.items():
            if partition.unsaved and partition.halted is None:
                offset = partition.committed_offset()
                meta, pages = partition.dump()
                partition.generation = await self._checkpoints.save(
                    number, expected=partition.generation, meta=meta, changed=pages
                )
                done[TopicPartition(CUSTOMER_EVENTS, number)] = offset
        self._saved_at = self._now()
        return done

    def full(self) -> Collection[TopicPartition]:
        return [TopicPartition(CUSTOMER_EVENTS, n) for n, p in self.partitions.items() if p.halted is not None]

    def clock(self) -> int:
        """The lowest clock of the own partitions, micros; 0 before the first ticks of all services."""
        return min((p.clock for p in self.partitions.values()), default=0)

    def late(self) -> int:
        """Events of the own partitions that came after their time had been judged."""
        return sum(p.late for p in self.partitions.values())

    def halts(self) -> list[str]:
        """Why partitions stand still; empty if none does."""
        return [str(p.halted) for p in self.partitions.values() if p.halted is not None]

    def _take(self, record: Record) -> list[Outgoing]:
        partition = self.partitions[record.partition]
        if partition.halted is not None:
            return []
        try:
            return [self._message(record.partition, output) for output in partition.take(record)]
        except Unreadable as error:
            return [set_aside("analytics", dead_letter(record, error))]
        except SequenceGap as gap:
            self._halt_or_reread(partition, record.partition, gap)
            return []

    def _halt_or_reread(self, partition: Partition, number: int, gap: SequenceGap) -> None:
        """A gap seen from old state is a false alarm: the state is read again once. If it stays, facts are lost."""
        if self._gaps.get(number) != gap.place:
            self._gaps[number] = gap.place
            raise gap
        partition.halted = gap
        SEQUENCE_GAPS.inc()
        log.error("sequence_gap_found", partition=number, reason=str(gap))

    def _message(self, partition: int, output: Output) -> Outgoing:
        topic = RISK
        if isinstance(output, AlertOut):
            topic = ALERTS
            ALERTS_PUBLISHED.inc()
        return Outgoing(topic, partition, output.customer.encode(), output.value)

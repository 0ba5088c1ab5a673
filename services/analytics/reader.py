"""Analytics as a reader of the log: publish and wait for the acknowledgement, save the state, commit the offset, in
this order.

A crash between two of them repeats the same bytes under the same ids. A gap in the log stops its partition, visibly;
the others go on. A partition that needs a result of the whole base stands still, and goes on when it is there; what has
been fetched of it meanwhile is kept.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from services.analytics.core import AlertOut, Output
from services.analytics.partition import Partition, SequenceGap
from services.analytics.population.part import Part, Result
from services.analytics.population.wire import key_of, part_bytes
from services.analytics.rules import Rules
from services.analytics.state import HOUR
from shared.broker import Outgoing, Publisher, Record, TopicPartition
from shared.checkpoints import CheckpointStore
from shared.contracts.envelope import Unreadable
from shared.contracts.values import format_time, from_micros
from shared.dead_letters import dead_letter, set_aside
from shared.memory import give_back_memory
from shared.telemetry import ALERTS_PUBLISHED, SEQUENCE_GAPS
from shared.topics import ALERTS, CUSTOMER_EVENTS, POPULATION, RISK

log = structlog.get_logger()

LONG_S = 60.0  # a result that has not come for so long is asked after


@dataclass(slots=True)
class _Wait:
    """A partition that is to be asked before it is given more. `since`: of `now`."""

    since: float
    records: list[Record] = field(default_factory=list)
    is_said: bool = False


class AttritionReader:
    """A `Handler` of the log."""

    def __init__(
        self,
        rules: Rules,
        checkpoints: CheckpointStore,
        publisher: Publisher,
        *,
        results: Mapping[int, Result],
        history: bool,
        now: Callable[[], float],
        grid: int = HOUR,
        save_every_s: float = 1.0,
    ) -> None:
        """`results`: of the whole base, by week; `proceed` is to be called when there is a new one."""
        self._rules, self._checkpoints, self._publisher = rules, checkpoints, publisher
        self._results = results
        self._history, self._grid = history, grid
        self._now, self._save_every_s, self._saved_at = now, save_every_s, now()
        self._gaps: dict[int, tuple[int, int]] = {}  # partition -> a gap seen before the state was last read
        self._waits: dict[int, _Wait] = {}  # by partition
        self.partitions: dict[int, Partition] = {}

    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        self.partitions = loaded = {number: await self._loaded(number) for number in sorted(partitions)}
        give_back_memory()
        self._waits = {number: _Wait(self._now()) for number in loaded}
        return {TopicPartition(CUSTOMER_EVENTS, n): p.next_offset for n, p in loaded.items()}

    async def handle(self, records: Sequence[Record]) -> Mapping[TopicPartition, int]:
        taken = [message for record in records for message in self._take(record)]
        return await self._published([*taken, *self._proceed()])

    async def proceed(self) -> Mapping[TopicPartition, int]:
        """When a result of the whole base has come: partitions that waited for it go on, with the same care as in
        `handle`."""
        return await self._published([*self._proceed()])

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
        if done:
            give_back_memory()  # of customers who were unpacked until now, at a weekly look everybody
        self._saved_at = self._now()
        return done

    def full(self) -> Collection[TopicPartition]:
        """Partitions that stand still: for a gap, or for a result of the whole base."""
        still = (n for n, p in self.partitions.items() if p.halted is not None or p.awaited is not None)
        return [TopicPartition(CUSTOMER_EVENTS, number) for number in still]

    def clock(self) -> int:
        """The lowest clock of the own partitions, micros; 0 before the first ticks of all services."""
        return min((p.clock for p in self.partitions.values()), default=0)

    def late(self) -> int:
        """Events of the own partitions that came after their time had been judged."""
        return sum(p.late for p in self.partitions.values())

    def halts(self) -> list[str]:
        """Why partitions stand still; empty if none does."""
        return [str(p.halted) for p in self.partitions.values() if p.halted is not None]

    def waits(self) -> list[str]:
        """For which results of the whole base partitions have waited for long; empty if none has."""
        long = {n: wait for n, wait in self._waits.items() if self._now() - wait.since >= LONG_S}
        return [f"partition {n} waits for the result of the whole base as of {week}" for n, week in self._awaited(long)]

    async def _loaded(self, number: int) -> Partition:
        saved = await self._checkpoints.load(number)
        return Partition(
            self._rules, history=self._history, number=number, results=self._results, grid=self._grid, saved=saved
        )

    async def _published(self, messages: Sequence[Outgoing]) -> Mapping[TopicPartition, int]:
        """Answers what may be committed: nothing before the state is saved."""
        if messages:
            await self._publisher.publish([[message] for message in messages])
        return await self.save() if self._now() - self._saved_at >= self._save_every_s else {}

    def _proceed(self) -> Iterator[Outgoing]:
        for number, wait in list(self._waits.items()):
            partition = self.partitions[number]
            if partition.halted is None and partition.awaited is None:
                del self._waits[number]
                yield from self._outcome(number, partition, partition.proceed())
                for record in wait.records:
                    yield from self._take(record)
        self._ask()

    def _ask(self) -> None:
        """In the log, once, which results have not come for long."""
        late = {n: w for n, w in self._waits.items() if not w.is_said and self._now() - w.since >= LONG_S}
        for number, week in self._awaited(late):
            late[number].is_said = True
            log.warning("population_result_awaited", partition=number, week=week)

    def _awaited(self, numbers: Collection[int]) -> Iterator[tuple[int, str]]:
        for number in numbers:
            if (week := self.partitions[number].awaited) is not None:
                yield number, format_time(from_micros(week))

    def _take(self, record: Record) -> list[Outgoing]:
        partition = self.partitions[record.partition]
        if partition.halted is not None:
            return []
        if (wait := self._waits.get(record.partition)) is not None:
            wait.records.append(record)
            return []
        try:
            return self._outcome(record.partition, partition, partition.take(record))
        except Unreadable as error:
            return [set_aside("analytics", dead_letter(record, error))]
        except SequenceGap as gap:
            self._halt_or_reread(partition, record.partition, gap)
            return []

    def _outcome(self, number: int, partition: Partition, outputs: Sequence[Output | Part]) -> list[Outgoing]:
        if partition.awaited is not None:
            self._waits[number] = _Wait(self._now())
        return [self._message(number, output) for output in outputs]

    def _halt_or_reread(self, partition: Partition, number: int, gap: SequenceGap) -> None:
        """A gap seen from old state is a false alarm: the state is read again once. If it stays, facts are lost."""
        if self._gaps.get(number) != gap.place:
            self._gaps[number] = gap.place
            raise gap
        partition.halted = gap
        SEQUENCE_GAPS.inc()
        log.error("sequence_gap_found", partition=number, reason=str(gap))

    def _message(self, partition: int, output: Output | Part) -> Outgoing:
        if isinstance(output, Part):
            return Outgoing(POPULATION, 0, key_of(output), part_bytes(output))
        topic = RISK
        if isinstance(output, AlertOut):
            topic = ALERTS
            ALERTS_PUBLISHED.inc()
        return Outgoing(topic, partition, output.customer.encode(), output.value)

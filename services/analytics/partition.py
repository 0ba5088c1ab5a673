"""One partition of the log as analytics sees it: what has been read, what has been judged, and the state that is saved.

In: records of the log, in order. Out: alerts and rows of risk. The promise: the same log gives the same output, byte
for byte, however it was cut into batches and however often the process died; a gap in a producer's sequence is never
passed over.
"""

from dataclasses import dataclass

import msgspec

from services.analytics.books import Books
from services.analytics.core import Core, Observation, Output
from services.analytics.facts import LogFact, observation, read
from services.analytics.order import Held, Order
from services.analytics.rules import Rules
from shared.broker import Record
from shared.checkpoints import Checkpoint
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.tick import read_tick
from shared.contracts.values import to_micros
from shared.telemetry import DUPLICATES
from shared.topics import CUSTOMER_EVENTS

HOUR = 3600 * 1_000_000
FIRST_BOOK_PAGE = 1000


class SequenceGap(Exception):  # noqa: N818 - a finding about the log
    """A fact is missing in the log before this record."""

    def __init__(self, record: Record, producer: str, customer: str, expected: int, found: int) -> None:
        self.place = record.partition, record.offset
        super().__init__(
            f"{producer} lost facts {expected} to {found - 1} of customer {customer}, found at {record.topic} "
            f"partition {record.partition} offset {record.offset}"
        )


class _Meta(msgspec.Struct):
    offset: int
    judged: int
    ticks: dict[str, int]
    late: int


@dataclass(frozen=True, slots=True)
class _Read:
    fact: LogFact
    sequence: int
    seen: Observation | None


class Partition:
    """Analytics' working state of one partition."""

    def __init__(self, rules: Rules, *, history: bool, grid: int = HOUR, saved: Checkpoint | None = None) -> None:
        self.core = Core(rules)
        self._history = history
        self._order = Order(history=history, grid=grid, next_due=self.core.next_due)
        self._read: dict[tuple[str, str], int] = {}  # sequences read but held
        self.books = Books()
        self.next_offset = 0
        self.late = 0  # events that came after their time had been judged
        self.generation = 0
        self.unsaved = False
        self.halted: SequenceGap | None = None
        if saved is not None:
            self._restore(saved)

    @property
    def clock(self) -> int:
        return self._order.clock

    def take(self, record: Record) -> list[Output]:
        """Raises Unreadable, SequenceGap."""
        self.next_offset = record.offset + 1
        self.unsaved = True
        value = record.value or b""
        if record.key is None:
            return self._take_tick(value)
        fact = read(value)
        if fact.producer not in DOMAIN_SERVICES or not self._is_next(record, fact):
            return []
        seen, at, chain = observation(fact), to_micros(fact.time), (fact.producer, fact.subject)
        read_ = _Read(fact, int(fact.sequence), seen)
        self._order.put(chain, at, fact.input, record.offset, read_, derived=seen is None)
        return [] if self._history else self._judge()

    def dump(self) -> tuple[bytes, dict[int, bytes]]:
        """(meta, changed pages) since the last dump. The offset never passes what is held."""
        held = self._order.held_from()
        offset = self.next_offset if held is None else held
        meta = msgspec.msgpack.encode(_Meta(offset, self._order.judged, self._order.ticks, self.late))
        pages = self.core.dump_pages(changed_only=True)
        pages |= {FIRST_BOOK_PAGE + n: page for n, page in self.books.dump_changed().items()}
        self.unsaved = False
        return meta, pages

    def committed_offset(self) -> int:
        """Where reading has to go on after a restart from what was dumped."""
        held = self._order.held_from()
        return self.next_offset if held is None else held

    def _take_tick(self, value: bytes) -> list[Output]:
        tick = read_tick(value)
        if tick is None or tick.at is None:
            return []
        before = self.clock
        self._order.tick(tick.source.removeprefix("tenure/"), to_micros(tick.at))
        return self._judge() if self.clock > before else []

    def _is_next(self, record: Record, fact: LogFact) -> bool:
        """False: a copy. Sequences count as read here and as applied only when judged: what is held is read again."""
        chain, sequence = (fact.producer, fact.subject), int(fact.sequence)
        last = self._read.get(chain) or self.books.applied(*chain)
        if sequence <= last:
            DUPLICATES.labels(CUSTOMER_EVENTS).inc()
            return False
        if sequence > last + 1:
            raise SequenceGap(record, *chain, last + 1, sequence)
        self._read[chain] = sequence
        return True

    def _judge(self) -> list[Output]:
        outputs: list[Output] = []
        for step in self._order.steps():
            if isinstance(step, Held):
                assert isinstance(step.what, _Read)
                outputs += self._observe(step.what)
            else:
                outputs += self.core.advance(step.at)
        return outputs

    def _observe(self, read: _Read) -> list[Output]:
        fact = read.fact
        chain = fact.producer, fact.subject
        book = self.books.apply(*chain, read.sequence)
        if self._read.get(chain) == read.sequence:
            del self._read[chain]
        seen = read.seen
        if seen is None:
            return []
        book.judge(fact.input)
        self.late += self._history and seen.at < self._order.judged
        if fact.data.imported and not self._history:
            return []  # an import of the past is for the timeline; a later version of the rules may judge it
        return self.core.observe(seen)

    def _restore(self, saved: Checkpoint) -> None:
        meta = msgspec.msgpack.decode(saved.meta, type=_Meta)
        self.next_offset, self._order.judged, self.late = meta.offset, meta.judged, meta.late
        self._order.ticks, self.generation = dict(meta.ticks), saved.generation
        self.core.load_pages({n: page for n, page in saved.pages.items() if n < FIRST_BOOK_PAGE})
        self.books.load({n - FIRST_BOOK_PAGE: page for n, page in saved.pages.items() if n >= FIRST_BOOK_PAGE})

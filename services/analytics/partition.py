"""One partition of the log as analytics sees it: what has been read, what has been judged, and the state that is saved.

In: records of the log, in order. Out: alerts and rows of risk. The promise: the same log gives the same output, byte
for byte, however it was cut into batches and however often the process died; a gap in a producer's sequence is never
passed over. At the beginning of every week it tells its part of the whole base, and it goes no further than a day
beyond before it has heard what follows for all: until then it takes no record.
"""

from collections.abc import Mapping, Sequence

import msgspec

from services.analytics.books import Book, Books
from services.analytics.core import Core, Observation, Output
from services.analytics.facts import LogFact, input_of, read
from services.analytics.measures import RULES_OF_THUMB, Catalogue
from services.analytics.order import AHEAD, EVERY_INSTANT, Chain, Instant, Order, Stop
from services.analytics.pages import OtherState
from services.analytics.population.part import DELAY, Part, Result, known_as_of
from services.analytics.rules import Rules
from services.analytics.state import HOUR, WEEK
from shared.broker import Record
from shared.checkpoints import Checkpoint
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.tick import read_tick
from shared.contracts.values import to_micros
from shared.telemetry import DUPLICATES
from shared.topics import CUSTOMER_EVENTS

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
    stop: int | None = None
    heard: int = 0  # the week of the result in force; 0: none
    has_spoken: bool = False
    catalogue: Catalogue | None = None  # none: that of this release
    rules: str = ""


class _Read(msgspec.Struct, frozen=True, gc=False):
    """A fact that is next of its chain. `seen`: none if it is derived."""

    chain: Chain
    sequence: int
    seen: Observation | Catalogue | None
    imported: bool


class Partition:
    """Analytics' working state of one partition."""

    def __init__(
        self,
        rules: Rules,
        *,
        history: bool,
        number: int,
        results: Mapping[int, Result],
        grid: int = HOUR,
        saved: Checkpoint | None = None,
    ) -> None:
        """`results`: by week, micros; they may come in later, each before `proceed` is called. `grid`: in `wall`."""
        self.core = Core(rules)
        self._history, self._number, self._results = history, number, results
        self._order: Order[_Read] = Order(
            grid=EVERY_INSTANT if history else grid, next_due=self.core.next_due, may_pass=self._may_pass
        )
        self._heard, self._is_resumed, self._has_spoken = 0, True, False
        self._read: dict[Chain, int] = {}  # the last sequences of what is held
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

    @property
    def awaited(self) -> int | None:
        """The week whose result it needs to go on; none: it can."""
        if not self._is_resumed and self._heard not in self._results:
            return self._heard
        return self._order.stop - DELAY if self._order.is_waiting and self._order.stop is not None else None

    def take(self, record: Record) -> Sequence[Output | Part]:
        """Not while a result is awaited. Raises Unreadable, SequenceGap."""
        assert self.awaited is None, "records wait outside"
        self.next_offset = record.offset + 1
        self.unsaved = True
        value = record.value or b""
        if record.key is None:
            return self._take_tick(value)
        fact = read(value)
        if (producer := fact.producer) not in DOMAIN_SERVICES:
            return []
        chain, sequence = (producer, fact.subject), int(fact.sequence)
        book = self.books.of(fact.subject)
        if not self._is_next(record, chain, sequence, book):
            return []
        seen = input_of(fact)
        if seen is None and chain not in self._read:  # it carries no weight, and what it follows has been judged
            setattr(book, producer, sequence)
            return []
        read_ = _Read(chain, sequence, seen, fact.data.imported)
        return self._hold(record, fact, read_) if self._history else self._apply(read_, book)

    def proceed(self) -> Sequence[Output | Part]:
        """Goes on as far as results are there."""
        if self.awaited is not None:
            return []
        if not self._is_resumed:
            self.core.known = known_as_of(self._results, self._heard, self.core.rules)
            self._is_resumed = True
        return self._judge()

    def dump(self) -> tuple[bytes, dict[int, bytes]]:
        """(meta, changed pages) since the last dump. The offset never passes what is held."""
        held = self._order.held_from()
        offset = self.next_offset if held is None else held
        meta = msgspec.msgpack.encode(
            _Meta(
                offset,
                self._order.judged,
                self._order.ticks,
                self.late,
                self._order.stop,
                self._heard,
                self._has_spoken,
                None if self.core.catalogue is RULES_OF_THUMB else self.core.catalogue,
                self.core.rules.version,
            )
        )
        pages = self.core.dump_pages(changed_only=True)
        pages |= {FIRST_BOOK_PAGE + n: page for n, page in self.books.dump_changed().items()}
        self.unsaved = False
        return meta, pages

    def committed_offset(self) -> int:
        """Where reading has to go on after a restart from what was dumped."""
        held = self._order.held_from()
        return self.next_offset if held is None else held

    def _take_tick(self, value: bytes) -> Sequence[Output | Part]:
        tick = read_tick(value)
        if tick is None or tick.at is None:
            return []
        before = self.clock
        self._order.tick(tick.source.removeprefix("tenure/"), to_micros(tick.at))
        return self._judge() if self.clock > before else []

    def _is_next(self, record: Record, chain: Chain, sequence: int, book: Book) -> bool:
        """False: a copy. Sequences count as applied only when judged: what is held is read again after a restart."""
        last = self._read.get(chain) or getattr(book, chain[0])
        if sequence <= last:
            DUPLICATES.labels(CUSTOMER_EVENTS).inc()
            return False
        if sequence > last + 1:
            raise SequenceGap(record, *chain, last + 1, sequence)
        return True

    def _hold(self, record: Record, fact: LogFact, read: _Read) -> Sequence[Output | Part]:
        """Until its time has come."""
        self._read[read.chain] = read.sequence
        at, is_derived = to_micros(fact.time), read.seen is None
        input_id = AHEAD if isinstance(read.seen, Catalogue) else fact.input
        self._order.hold(read.chain, at, input_id, record.offset, read, derived=is_derived)
        return []

    def _judge(self) -> Sequence[Output | Part]:
        outputs: list[Output | Part] = []
        for step in self._order.steps():
            if isinstance(step, Instant):
                outputs += self.core.advance(step.at)
                continue
            if isinstance(step, Stop):
                outputs += self._stopped(step.at)
                continue
            if self._read.get(step.chain) == step.sequence:
                del self._read[step.chain]
            outputs += self._apply(step, self.books.of(step.chain[1]))
        return outputs

    def _may_pass(self, stop: int) -> bool:
        return stop % WEEK == 0 or stop - DELAY in self._results

    def _stopped(self, at: int) -> Sequence[Output | Part]:
        self.unsaved = True
        if at % WEEK == 0:
            return [*self.core.advance(at - 1), self._part(at)]
        self._heard = at - DELAY
        return self.core.look(at, known_as_of(self._results, self._heard, self.core.rules))

    def _part(self, week: int) -> Part:
        """Of the rows as many as the last result has used: a base never has fewer customers than before, so of more no
        use would be made."""
        is_first, self._has_spoken = not self._has_spoken, True
        one_in = self._results[self._heard].one_in if self._heard else 1
        return self.core.part(week, number=self._number, is_first=is_first, one_in=one_in)

    def _apply(self, read: _Read, book: Book) -> Sequence[Output | Part]:
        setattr(book, read.chain[0], read.sequence)
        seen = read.seen
        if seen is None:
            return []
        book.judge(seen.evidence)
        self.late += self._history and self._order.popped < self._order.judged
        if read.imported and not self._history and isinstance(seen, Observation):
            return []  # an import of the past is for the timeline; a later version of the rules may judge it
        return self.core.take(seen)

    def _restore(self, saved: Checkpoint) -> None:
        """Raises OtherState."""
        meta = msgspec.msgpack.decode(saved.meta, type=_Meta)
        if meta.rules != self.core.rules.version:
            rules = self.core.rules.version
            raise OtherState(
                f"state of rules {meta.rules or 'unknown'}; here are {rules}: other rules take another name"
            )
        self.next_offset, self.late, self.generation = meta.offset, meta.late, saved.generation
        self._order.resume(meta.ticks, meta.judged, meta.stop)
        self._heard, self._is_resumed, self._has_spoken = meta.heard, not meta.heard, meta.has_spoken
        self.core.catalogue = meta.catalogue or RULES_OF_THUMB
        self.core.load_pages({n: page for n, page in saved.pages.items() if n < FIRST_BOOK_PAGE})
        self.books.load({n - FIRST_BOOK_PAGE: page for n, page in saved.pages.items() if n >= FIRST_BOOK_PAGE})

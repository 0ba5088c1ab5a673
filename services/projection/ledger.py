"""What becomes of a customer's story when more of the log is read?

In: a customer as stored, and entries in the order of the log. Out: the customer with what is new, pages that became
full, copies, and gaps. Pure. Promise: what comes out depends on the entries alone, not on how they were batched or
how often they came.

The newest entries stand in the customer itself, older ones in pages that never change. A page is named by what it
holds, and counts only once a customer names it; so saving the customer is the one step by which everything becomes
true at once.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from services.projection.attrition import AlertView
from services.projection.timeline import Entry
from services.projection.view import View, evolve, interpret
from shared.contracts.envelope import Unreadable

PAGE_ENTRIES = 100
PAGE_BYTES = 512 * 1024  # of data; a document may have 16 MiB, and the newest entries are written with every change


class Span(msgspec.Struct, frozen=True):
    """Sequences of one producer, both included, without a gap."""

    producer: str
    first: int
    last: int


class PageRef(msgspec.Struct, frozen=True):
    """A full page: its id, how many entries it has, the times they reach over, and whose they are."""

    id: str
    count: int
    first_at: int
    last_at: int
    spans: tuple[Span, ...]

    def holds(self, entry: Entry) -> bool:
        return any(s.producer == entry.producer and s.first <= entry.sequence <= s.last for s in self.spans)


@dataclass(frozen=True, slots=True)
class Page:
    """At most PAGE_ENTRIES entries, in the order of the log."""

    ref: PageRef
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Customer:
    """`last`: producer -> last sequence taken. `tail`: what stands behind the last full page, in order of the log."""

    id: str
    rev: int = 0  # 0: not stored yet; one more with every change
    last: dict[str, int] = field(default_factory=dict)
    view: View = field(default_factory=View)
    tail: tuple[Entry, ...] = ()
    pages: int = 0  # full pages so far
    text: str | None = field(default=None, compare=False, repr=False)  # the tail as it is stored, from whom it is known


@dataclass(frozen=True, slots=True)
class Change:
    """A customer one revision further, the pages that became full with it, and its newest alert if that changed.
    `kept`: how the tail without what is new is stored; none where that is not known or stands in pages now."""

    customer: Customer
    pages: tuple[Page, ...] = ()
    alert: AlertView | None = None
    kept: str | None = None
    added: tuple[Entry, ...] = ()  # to what was kept


@dataclass(frozen=True, slots=True)
class Taken:
    """`unclear`: entries whose data could not be read; they stand on the timeline and change nothing else. `gaps`:
    per producer the first entry that does not follow on what was taken; nothing of that producer was taken behind
    it."""

    change: Change
    is_news: bool
    copies: tuple[Entry, ...] = ()
    unclear: tuple[tuple[Entry, Unreadable], ...] = ()
    gaps: tuple[Entry, ...] = ()

    @property
    def customer(self) -> Customer:
        return self.change.customer

    @property
    def newest(self) -> Iterator[Entry]:
        """What is at hand of the timeline: the tail and the pages that just became full."""
        yield from self.customer.tail
        for page in self.change.pages:
            yield from page.entries


def take(customer: Customer, entries: Iterable[Entry]) -> Taken:
    """Entries may hold copies; of each producer they are in order of sequence."""
    story = _Story(customer)
    copies, unclear = [], []
    gaps: dict[str, Entry] = {}
    for entry in entries:
        expected = story.last.get(entry.producer, 0) + 1
        if entry.sequence < expected:
            copies.append(entry)
        elif entry.sequence > expected:
            gaps.setdefault(entry.producer, entry)
        elif (error := story.add(entry)) is not None:
            unclear.append((entry, error))
    return Taken(story.change(), story.is_news, tuple(copies), tuple(unclear), tuple(gaps.values()))


class _Story:
    """A customer while entries are added."""

    def __init__(self, customer: Customer) -> None:
        self._before = customer
        self._view, self._tail = customer.view, list(customer.tail)
        self._size = sum(len(entry.data) for entry in self._tail)
        self._pages: list[Page] = []
        self._kept, self._known = customer.text, len(customer.tail)
        self.last = dict(customer.last)
        self.is_news = False

    def add(self, entry: Entry) -> Unreadable | None:
        """The next of its producer. Answers what is wrong with its data, if anything is."""
        if self._tail and (len(self._tail) >= PAGE_ENTRIES or self._size + len(entry.data) > PAGE_BYTES):
            self._close()
        self._tail.append(entry)
        self._size += len(entry.data)
        self.last[entry.producer] = entry.sequence
        self.is_news = True
        said = interpret(entry)
        self._view = evolve(self._view, entry, said)
        return said if isinstance(said, Unreadable) else None

    def change(self) -> Change:
        before = self._before
        if not self.is_news:
            return Change(before)
        customer = Customer(
            id=before.id,
            rev=before.rev + 1,
            last=self.last,
            view=self._view,
            tail=tuple(self._tail),
            pages=before.pages + len(self._pages),
        )
        alert = None if self._view.alerts == before.view.alerts else self._view.alert
        return Change(customer, tuple(self._pages), alert, self._kept, customer.tail[self._known :])

    def _close(self) -> None:
        number = self._before.pages + len(self._pages)
        self._pages.append(close_page(self._before.id, number, self._tail))
        self._tail, self._size = [], 0
        self._kept, self._known = None, 0


def close_page(customer: str, number: int, entries: Sequence[Entry]) -> Page:
    """The same entries always give the same id, other entries another."""
    digest = hashlib.blake2b(msgspec.json.encode(entries), digest_size=8).hexdigest()
    times = [e.at for e in entries]
    ref = PageRef(f"{customer}/{number}/{digest}", len(entries), min(times), max(times), _spans(entries))
    return Page(ref, tuple(entries))


def _spans(entries: Iterable[Entry]) -> tuple[Span, ...]:
    spans: dict[str, Span] = {}
    for entry in entries:
        first = spans[entry.producer].first if entry.producer in spans else entry.sequence
        spans[entry.producer] = Span(entry.producer, first, entry.sequence)
    return tuple(spans.values())

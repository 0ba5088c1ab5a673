"""How the customers of a partition are kept: a fixed number of pages, exact and versioned.

A customer lies on the page that a hash of the id names, the same in every process and release. Bytes of a page depend
on its customers alone; what is loaded is what was dumped, to the last bit. Who has not been looked at since the last
dump is kept packed: that takes a fifth of the memory, and the next dump has nothing to do for them but to copy. How
strong changes of pace are is news of nearly everybody every week, and of most nothing else is: so it stands ahead of
the rest, in as many bytes for everybody, and is exchanged without unpacking them.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from sys import intern
from zlib import crc32

import msgspec

from services.analytics.state import UNCHANGED, Customer, Strengths

PAGES = 64
MOST_IN_HAND = 1024  # customers more, while everybody is looked at: unpacked they take six times the memory
FORMAT = 6  # of the state; a checkpoint of another format is not read but rebuilt from the log


class OtherState(ValueError):  # noqa: N818 - not an error of the program: the state is of another release or other rules
    """A page that was written in another format or under other rules."""


class _Page(msgspec.Struct, array_like=True):
    format: int
    rules: str
    customers: list[msgspec.Raw]  # in order of id


_encode = msgspec.msgpack.Encoder().encode
_page = msgspec.msgpack.Decoder(_Page).decode
_row = msgspec.msgpack.Decoder(tuple[Strengths, Customer]).decode
_PAIR = b"\x92"  # of an array of two
_HEAD = len(_PAIR + _encode(UNCHANGED))
_FRESH = msgspec.structs.astuple(Customer("", 0, 0))
_ALWAYS = 3  # fields that are written in any case: those that have no default


def _packed(c: Customer) -> bytes:
    """Without the fields at the end that are as a newcomer's: who reads it puts them back."""
    *fields, strengths = msgspec.structs.astuple(c)
    end = len(fields)
    while end > _ALWAYS and fields[end - 1] == _FRESH[end - 1]:
        end -= 1
    return _PAIR + _encode(strengths) + _encode(fields[:end])


def _customer(packed: bytes | msgspec.Raw, id_: str | None = None) -> Customer:
    """An id is the same object wherever it is kept: as another one it would take a tenth of a customer."""
    strengths, c = _row(packed)
    c.id, c.changes = intern(c.id) if id_ is None else id_, strengths
    return c


def page_of(customer: str) -> int:
    return crc32(customer.encode()) % PAGES


class Pages:
    """The customers of one partition under one version of the rules. Whoever was handed out counts as changed."""

    def __init__(self, rules: str) -> None:
        self._rules = rules
        self._packed: list[dict[str, bytes]] = [{} for _ in range(PAGES)]
        self._changed = set[int]()  # pages, since the last dump, by customers who are not in hand
        self._in_hand: dict[str, Customer] = {}  # of these, what is packed is old

    def get(self, customer: str) -> Customer | None:
        c = self._in_hand.get(customer)
        if c is None and (packed := self._packed[page_of(customer)].get(customer)) is not None:
            c = self._in_hand[customer] = _customer(packed)
        return c

    def add(self, c: Customer) -> None:
        self._in_hand[c.id] = c

    def strengthen(self, c: Customer, strengths: Strengths) -> None:
        """Keeps the strengths of a customer who need not be in hand."""
        c.changes = strengths
        if c.id not in self._in_hand:
            number = page_of(c.id)
            page = self._packed[number]
            page[c.id] = _PAIR + _encode(strengths) + page[c.id][_HEAD:]
            self._changed.add(number)

    def everybody(self) -> Iterator[Customer]:
        """In order of id, to be looked at only: but for strengths no change is kept of anybody who is not in hand. Who
        was in hand before the next one is asked for may be so no longer."""
        most = len(self._in_hand) + MOST_IN_HAND
        for id_ in sorted(chain(self._in_hand, *(page.keys() - self._in_hand.keys() for page in self._packed))):
            if len(self._in_hand) > most:
                self._put_away()
            c = self._in_hand.get(id_)
            yield _customer(self._packed[page_of(id_)][id_], id_) if c is None else c

    def dump(self, *, changed_only: bool) -> dict[int, bytes]:
        """Pages with customers, or of those the ones that changed since the last dump. Everybody is out of hand."""
        self._put_away()
        numbers = sorted(self._changed) if changed_only else [n for n in range(PAGES) if self._packed[n]]
        self._changed.clear()
        return {number: self._written(number) for number in numbers}

    def load(self, pages: Mapping[int, bytes]) -> Iterator[Customer]:
        """Replaces all customers by those of the pages, as it shows one after the other, so all are to be looked at.
        Raises OtherState, and then nothing is replaced."""
        rows = [(number, raw) for number, page in pages.items() for raw in self._read(page)]
        self._packed, self._changed, self._in_hand = [{} for _ in range(PAGES)], set(), {}
        return self._taken(rows)

    def _put_away(self) -> None:
        for c in self._in_hand.values():
            number = page_of(c.id)
            self._changed.add(number)
            self._packed[number][c.id] = _packed(c)
        self._in_hand = {}

    def _taken(self, rows: Iterable[tuple[int, msgspec.Raw]]) -> Iterator[Customer]:
        """All of them unpacked at once would take several times the memory, and the process would keep it."""
        for number, raw in rows:
            c = _customer(raw)
            self._packed[number][c.id] = bytes(raw)
            yield c

    def _written(self, number: int) -> bytes:
        rows = [msgspec.Raw(packed) for _, packed in sorted(self._packed[number].items())]
        return _encode(_Page(FORMAT, self._rules, rows))

    def _read(self, raw: bytes) -> list[msgspec.Raw]:
        page = _page(raw)
        if (page.format, page.rules) != (FORMAT, self._rules):
            found, wanted = f"format {page.format}, rules {page.rules!r}", f"{FORMAT} and {self._rules!r}"
            raise OtherState(f"state of {found}; here are {wanted}")
        return page.customers

"""What has been judged of every customer of a partition: how far each producer's facts, how many inputs, in which
order.

In: facts as they are applied. Out: pages that have changed, for the checkpoint. It tells a copy from what is new after
a restart, and an auditor whether two readers judged the same. A book that has not been opened since the last dump is
kept packed, in a quarter of the memory.
"""

import zlib
from collections.abc import Iterator, Mapping
from sys import intern

import msgspec

PAGES = 64


class Book(msgspec.Struct, array_like=True, gc=False):
    """The last sequence applied of each domain service, in the order of DOMAIN_SERVICES, 0: none; number of inputs
    judged, and a hash of their order."""

    acquisition: int = 0
    interaction: int = 0
    retention: int = 0
    inputs: int = 0
    trace: int = 0

    def judge(self, input_id: str) -> None:
        self.inputs += 1
        self.trace = zlib.crc32(input_id.encode(), self.trace)


_encode = msgspec.msgpack.Encoder().encode
_book = msgspec.msgpack.Decoder(Book).decode
_page = msgspec.msgpack.Decoder(dict[str, bytes]).decode


class Books:
    """The books of one partition, in pages."""

    def __init__(self) -> None:
        self._packed: list[dict[str, bytes]] = [{} for _ in range(PAGES)]
        self._open: dict[str, Book] = {}  # of these, what is packed is old

    def of(self, customer: str) -> Book:
        """To be written in: its page counts as changed."""
        book = self._open.get(customer)
        if book is None:
            packed = self._packed[_page_of(customer)].get(customer)
            book = self._open[customer] = Book() if packed is None else _book(packed)
        return book

    def items(self) -> Iterator[tuple[str, Book]]:
        for page in self._packed:
            yield from ((customer, _book(packed)) for customer, packed in page.items() if customer not in self._open)
        yield from self._open.items()

    def dump_changed(self) -> dict[int, bytes]:
        """Number -> content of the pages that changed since the last time. All books are closed."""
        changed = set()
        for customer, book in self._open.items():
            number = _page_of(customer)
            changed.add(number)
            self._packed[number][customer] = _encode(book)
        self._open = {}
        return {number: _encode(dict(sorted(self._packed[number].items()))) for number in sorted(changed)}

    def load(self, pages: Mapping[int, bytes]) -> None:
        for number, raw in pages.items():
            self._packed[number] = {intern(customer): packed for customer, packed in _page(raw).items()}


def _page_of(customer: str) -> int:
    return zlib.crc32(customer.encode()) % PAGES

"""What has been judged of every customer of a partition: how far each producer's facts, how many inputs, in which
order.

In: facts as they are applied. Out: pages that have changed, for the checkpoint. It tells a copy from what is new after
a restart, and an auditor whether two readers judged the same.
"""

import zlib
from collections.abc import Iterator, Mapping

import msgspec

PAGES = 64


class Applied(msgspec.Struct, array_like=True, gc=False):
    """The last sequence of each domain service, in the order of DOMAIN_SERVICES; 0: none."""

    acquisition: int = 0
    interaction: int = 0
    retention: int = 0


class Book(msgspec.Struct, gc=False):
    """How far the facts of each service are applied, number of inputs judged, and a hash of their order."""

    applied: Applied
    inputs: int = 0
    trace: int = 0

    def judge(self, input_id: str) -> None:
        self.inputs += 1
        self.trace = zlib.crc32(input_id.encode(), self.trace)


class Books:
    """The books of one partition, in pages."""

    def __init__(self) -> None:
        self._pages: list[dict[str, Book]] = [{} for _ in range(PAGES)]
        self._changed: set[int] = set()

    def of(self, customer: str) -> Book:
        """To be written in: its page counts as changed."""
        number = _page(customer)
        self._changed.add(number)
        page = self._pages[number]
        book = page.get(customer)
        if book is None:
            book = page[customer] = Book(Applied())
        return book

    def items(self) -> Iterator[tuple[str, Book]]:
        for page in self._pages:
            yield from page.items()

    def dump_changed(self) -> dict[int, bytes]:
        """Number -> content of the pages that changed since the last time."""
        changed = {n: msgspec.msgpack.encode(dict(sorted(self._pages[n].items()))) for n in sorted(self._changed)}
        self._changed.clear()
        return changed

    def load(self, pages: Mapping[int, bytes]) -> None:
        for number, raw in pages.items():
            self._pages[number] = msgspec.msgpack.decode(raw, type=dict[str, Book])


def _page(customer: str) -> int:
    return zlib.crc32(customer.encode()) % PAGES

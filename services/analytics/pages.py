"""How the customers of a partition are kept: a fixed number of pages, exact and versioned.

A customer lies on the page that a hash of the id names, the same in every process and release. Bytes of a page depend
on its customers alone; `read_page(write_page(x)) == x`, to the last bit.
"""

from collections.abc import Iterable
from zlib import crc32

import msgspec

from services.analytics.state import Customer

PAGES = 64
FORMAT = 1  # of the state; a checkpoint of another format is not read but rebuilt from the log


class OtherState(ValueError):  # noqa: N818 - not an error of the program: the state is of another release or other rules
    """A page that was written in another format or under other rules."""


class _Page(msgspec.Struct, array_like=True):
    format: int
    rules: str
    customers: msgspec.Raw


_encoder = msgspec.msgpack.Encoder()
_page = msgspec.msgpack.Decoder(_Page)
_customers = msgspec.msgpack.Decoder(list[Customer])


def page_of(customer: str) -> int:
    return crc32(customer.encode()) % PAGES


def write_page(rules: str, customers: Iterable[Customer]) -> bytes:
    rows = sorted(customers, key=lambda c: c.id)
    return _encoder.encode(_Page(FORMAT, rules, msgspec.Raw(_encoder.encode(rows))))


def read_page(rules: str, raw: bytes) -> list[Customer]:
    """In order of id. Raises OtherState."""
    page = _page.decode(raw)
    if (page.format, page.rules) != (FORMAT, rules):
        raise OtherState(f"state of format {page.format}, rules {page.rules!r}; here are {FORMAT} and {rules!r}")
    return _customers.decode(page.customers)

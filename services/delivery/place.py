"""How far has a reader got, and how does it say so when it comes back?

A place is a vector: for each partition the next offset to be delivered. As text it is the `id` of every event, good on
any replica and after any restart, because nothing has to be remembered of it:
`<offset>.<offset>...-<check>`, offsets in hexadecimal, `check` the CRC-32 of topic and offsets. The check is not there
against ill will, it finds what was cut, mistyped, or written for another stream.
"""

import re
from collections.abc import Sequence
from zlib import crc32

from shared.topics import ALERTS
from shared.whole_topic import Place, reaches

__all__ = ["BadPlace", "Place", "reaches", "read_place", "write_place"]

FORM = re.compile(r"([0-9a-f]{1,15}(?:\.[0-9a-f]{1,15})*)-([0-9a-f]{8})")


class BadPlace(ValueError):  # noqa: N818 - it names what is wrong with the text
    """Not a place in this stream. The text says why."""


def write_place(place: Sequence[int]) -> str:
    offsets = ".".join([f"{offset:x}" for offset in place])
    return f"{offsets}-{_check(offsets):08x}"


def read_place(text: str, partitions: int) -> Place:
    """Raises BadPlace."""
    match = FORM.fullmatch(text)
    if match is None or int(match[2], 16) != _check(match[1]):
        raise BadPlace("it is not, or not as a whole, the id of an event of this stream")
    place = tuple(int(offset, 16) for offset in match[1].split("."))
    if len(place) != partitions:
        raise BadPlace(f"it is of a stream over {len(place)} partitions, and this one has {partitions}")
    return place


def _check(offsets: str) -> int:
    return crc32(f"{ALERTS}:{offsets}".encode())

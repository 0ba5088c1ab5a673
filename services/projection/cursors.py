"""How does a reader say where to go on? By an opaque word, safe in an address, that holds a place in the order of a
list."""

import base64
import binascii
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class BadCursor(ValueError):  # noqa: N818 - it is the reader's
    """Text that is no cursor of this list."""


def write_cursor(place: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str, kind: type[T]) -> T:
    """Raises BadCursor."""
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise BadCursor("not a cursor that this list gave") from None

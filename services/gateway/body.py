"""What did the client send, and how much of it is read? Media types, limits, and the memory that all bodies share.

In: a request. Out: its body, whole, and in which mode of CloudEvents it says what. A body that is too large is not
read to its end, and bodies that would not fit into memory together are turned away while they arrive. What is left
unread the server throws away behind the answer: a connection closed over unread bytes is reset, and the client would
never see the reason.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from shared.contracts.binary_mode import HTTP_PREFIX, is_utf8
from shared.contracts.envelope import MAX_EVENT_BYTES
from shared.http import HttpProblem, unavailable

ONE, MANY, EITHER, DATA = "one", "many", "either", "data"  # data: of one event, whose attributes stand in headers
KINDS = {
    "application/cloudevents+json": ONE,
    "application/cloudevents-batch+json": MANY,
    "application/json": EITHER,
}
_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Body:
    """`headers`: those that say attributes. With `data_only` the attributes stand nowhere else."""

    raw: bytes
    batch: bool
    data_only: bool = False
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Room:
    """Bytes that all requests in flight may hold together."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, amount: int) -> None:
        if amount > self._left:
            raise unavailable("busy", "Too much is under way at the moment; nothing was accepted. Send it again later.")
        self._left -= amount

    def give(self, amount: int) -> None:
        self._left += amount


class Reader:
    """Reads bodies. The bytes belong to the request until its answer is known."""

    def __init__(self, room: Room, *, max_batch_bytes: int, body_s: float) -> None:
        self._room, self._max_batch_bytes, self._body_s = room, max_batch_bytes, body_s

    @asynccontextmanager
    async def events(self, request: Request) -> AsyncIterator[Body]:
        """One event or a batch. Raises HttpProblem 400 (incomplete), 408, 413, 415, 503."""
        headers = tuple((name, value) for name, value in request.headers.raw if name.startswith(HTTP_PREFIX))
        kind = _kind_of_events(request, bool(headers))

        def limit_of(head: bytes) -> int:
            one = kind in (ONE, DATA) or (kind == EITHER and head not in (b"", b"["))
            return MAX_EVENT_BYTES if one else self._max_batch_bytes

        async with self._whole(request, limit_of) as raw:
            yield Body(raw, kind == MANY or (kind == EITHER and _head(raw) == b"["), kind == DATA, headers)

    @asynccontextmanager
    async def document(self, request: Request, *, limit: int) -> AsyncIterator[bytes]:
        """One small JSON document. Raises as `events`."""
        if _kind(request) != EITHER:
            raise _unsupported(["application/json"])
        async with self._whole(request, lambda _: limit) as raw:
            yield raw

    @asynccontextmanager
    async def _whole(self, request: Request, limit_of: Callable[[bytes], int]) -> AsyncIterator[bytes]:
        held = bytearray()
        try:
            async with _within(self._body_s):
                await self._read(request, held, limit_of)
            yield bytes(held)
        finally:
            self._room.give(len(held))

    async def _read(self, request: Request, held: bytearray, limit_of: Callable[[bytes], int]) -> None:
        head = b""
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > limit_of(b""):
            raise _too_large(limit_of(b""))
        async for chunk in request.stream():
            head = head or _head(chunk)
            if len(held) + len(chunk) > limit_of(head):
                raise _too_large(limit_of(head))
            self._room.take(len(chunk))
            held += chunk


def _head(raw: bytes) -> bytes:
    """The first byte that is no blank, which tells an array from an object."""
    return raw.lstrip(_BLANK)[:1]


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        close = {"Connection": "close"}  # nobody knows when the rest will come
        raise HttpProblem(408, "too-slow", f"The body did not arrive within {seconds:g} s.", headers=close) from None


def _too_large(limit: int) -> HttpProblem:
    detail = f"The body is larger than {limit} bytes; one event has at most {MAX_EVENT_BYTES}. Send smaller batches."
    return HttpProblem(413, "too-large", detail)


def _kind_of_events(request: Request, has_attributes: bool) -> str:
    kind = _kind(request)
    if kind == MANY and has_attributes:
        raise HttpProblem(400, "two-modes", "A batch has no binary mode: leave out the headers that begin with 'ce-'.")
    return DATA if kind == EITHER and has_attributes else kind


def _kind(request: Request) -> str:
    said = request.headers.getlist("content-type")
    media_type, _, parameters = (said[0] if len(said) == 1 else "").partition(";")
    kind = KINDS.get(media_type.strip().lower())
    if kind is None or not is_utf8(parameters):
        raise _unsupported(list(KINDS))
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HttpProblem(415, "encoding-not-supported", "Send the body without Content-Encoding.")
    return kind


def _unsupported(allowed: list[str]) -> HttpProblem:
    detail = f"Send JSON in UTF-8, with Content-Type {' or '.join(allowed)}."
    return HttpProblem(415, "media-type-not-supported", detail, headers={"Accept": ", ".join(allowed)})

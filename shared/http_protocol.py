"""How long may a peer take, how much may it say before it is listened to, and how many may there be?

uvicorn bounds neither the time for a request's head nor the number of connections, and waits for ever for the rest of
a body that nobody wants. Here each has a limit, and whoever is turned away is told why, as everywhere. Bodies that are
wanted are bounded where they are read.
"""

import asyncio
import resource
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.http import MEDIA_TYPE, RETRY_AFTER_S, json_response, problem_document

HEAD_S = 10.0  # for a head to arrive, from the first moment of its connection on
REST_S = 30.0  # for the rest of a body behind an answer that did not wait for it
KEEP_ALIVE_S = 5
MAX_HEAD_BYTES = 16 * 1024  # names and values of all headers; the attributes of an event need up to half of it
MAX_HEADERS = 100
MAX_ADDRESS_BYTES = 12 * 1024  # path and query; a place in a stream of alerts needs up to 10,000
MOST_CONNECTIONS = 10_000
OTHER_FILES = 128  # of a process: its connections to Kafka and MongoDB, and its own


class BoundedProtocol(H11Protocol):
    """One connection."""

    head_s, rest_s = HEAD_S, REST_S

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._awaited: float | None = None  # seconds that the peer is given for what it owes us; none: nothing
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            self._turn_away(503, "busy", "There are too many connections; try again in a moment.")
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._await(None)

    def send_400_response(self, msg: str) -> None:
        """What h11 could not read."""
        if len(self.conn.trailing_data[0]) > MAX_HEAD_BYTES:
            self._turn_away(431, "head-too-large", f"The head of a request has at most {MAX_HEAD_BYTES} bytes.")
        else:
            self._turn_away(400, "invalid-http", "This is not a request of HTTP/1.1.")

    def _expect(self) -> None:
        """A deadline for what is awaited; it is not moved by what trickles in."""
        if self.transport.is_closing():
            self._await(None)
        elif self.conn.their_state is h11.IDLE:
            self._await(self.head_s)
        elif self.conn.their_state is h11.SEND_BODY and self.cycle.response_complete:
            self._await(self.rest_s)
        else:
            self._await(None)

    def _await(self, seconds: float | None) -> None:
        if seconds == self._awaited:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._awaited = seconds
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._turn_away(408, "too-slow", f"The head of the request did not arrive within {self.head_s:g} s.")
        self.transport.close()

    def _turn_away(self, status: int, code: str, detail: str) -> None:
        """An answer without a request, past uvicorn, which knows of none."""
        body = json_response(problem_document(status, code, detail), status).body
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {MEDIA_TYPE}\r\nconnection: close\r\n"
            f"content-length: {len(body)}\r\n" + (f"retry-after: {RETRY_AFTER_S}\r\n" if status == 503 else "")
        )
        self.transport.write(head.encode() + b"\r\n" + bytes(body))
        self.transport.close()


def most_connections() -> int:
    """As many as the process may open files, less what it needs itself."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(MOST_CONNECTIONS, files - OTHER_FILES))

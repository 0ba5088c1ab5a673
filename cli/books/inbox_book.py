"""What stands in the inbox of a service, as far as it can be read?

In: its records, in order of offset per partition and in either mode of CloudEvents. Out: one `Received` per record;
ticks are nobody's event. Only an id that comes again is read whole, to tell a copy from another event under the same
id.
"""

from collections.abc import Mapping

import msgspec

from cli.books.channels import UNREADABLE, Cause, Received
from cli.books.findings import Place
from shared.broker import Record
from shared.contracts.catalogue import inbox_types
from shared.contracts.envelope import Input, Unreadable, read_inbound
from shared.contracts.tick import read_tick
from shared.inbox import event_of

REDRIVEN_FROM = "redriven-from"  # header of a record that was set aside and sent again: topic/partition/offset


class _Envelope(msgspec.Struct):
    id: str
    source: str
    subject: str


class _Source(msgspec.Struct):
    source: str


_envelope = msgspec.json.Decoder(_Envelope).decode
_source = msgspec.json.Decoder(_Source).decode


class InboxBook:
    def __init__(self, service: str) -> None:
        self._types = inbox_types(service)
        self._seen: set[Cause] = set()
        self.received: list[Received] = []
        self.tells_time = False  # its ticks say their time: history

    def take(self, record: Record) -> None:
        value = _event(record)
        if record.key is None and self._take_tick(value):
            return
        place = Place(record.topic, record.partition, record.offset)
        redriven = any(name == REDRIVEN_FROM for name, _ in record.headers)
        try:
            said = _envelope(value)
        except (ValueError, RecursionError, msgspec.MsgspecError):
            self.received.append(Received(place, _channel(value), None, redriven=redriven))
            return
        cause = said.subject, f"{said.source}|{said.id}"
        digest = _digest(value, self._types) if cause in self._seen else None
        self._seen.add(cause)
        self.received.append(Received(place, said.source, cause, digest, redriven))

    def _take_tick(self, value: bytes) -> bool:
        try:
            tick = read_tick(value)
        except Unreadable:
            return False  # the service sets it aside
        if tick is None:
            return False
        self.tells_time |= tick.at is not None
        return True


def _event(record: Record) -> bytes:
    """Structured JSON; nothing where no event can be made out."""
    try:
        return event_of(record)
    except Unreadable:
        return b""


def _channel(raw: bytes) -> str:
    try:
        return _source(raw).source or UNREADABLE
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return UNREADABLE


def _digest(raw: bytes, types: Mapping[str, type[Input]]) -> str | None:
    try:
        return read_inbound(raw, types).digest
    except Unreadable:
        return None

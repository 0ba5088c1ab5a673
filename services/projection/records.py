"""What does a record of the log say, as an entry of a timeline?

In: the bytes of a fact or an alert. Out: the customer and the entry, or `Unreadable`. It reads only what a timeline
needs and keeps `data` as it came, so facts and alerts of a newer release are readable, too.
"""

import json
from functools import lru_cache
from typing import NamedTuple

import msgspec

from services.projection.timeline import Entry
from shared.broker import Record
from shared.contracts.envelope import Problem, Unreadable
from shared.contracts.protocol import TICK
from shared.contracts.segments import TYPE_BEGINS
from shared.contracts.upcast import STEPS, upcast
from shared.contracts.values import parse_time, to_micros

RECORDED = "-recorded.v"  # part of the type of every fact that records a channel's event


class _Envelope(msgspec.Struct):
    type: str
    id: str = ""
    source: str = ""
    subject: str = ""
    time: str = ""
    sequence: str = ""
    causeid: str | None = None
    inputid: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


_decode = msgspec.json.Decoder(_Envelope).decode


class Arrival(NamedTuple):
    """An entry as it came: about whom, and from where in the log."""

    customer: str
    entry: Entry
    record: Record


def read_arrival(record: Record) -> Arrival | None:
    """None for what is said of no customer: ticks, rules, alerts about segments. Raises Unreadable."""
    if record.value is None:
        raise Unreadable("empty", [Problem("", "a record without a value")])
    envelope = _read(record.value)
    if envelope.type == TICK or (record.key is None and not envelope.subject):
        return None
    if envelope.type.startswith(TYPE_BEGINS):
        return None
    return Arrival(envelope.subject, _entry(envelope), record)


def _read(raw: bytes) -> _Envelope:
    try:
        envelope = _decode(raw)
        if envelope.type not in STEPS:
            return envelope
        return _decode(msgspec.json.encode(upcast(json.loads(raw))))
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Unreadable("invalid-envelope", [Problem("", f"not a fact: {error}")]) from None


def _entry(envelope: _Envelope) -> Entry:
    try:
        sequence = int(envelope.sequence)
        at = _micros(envelope.time)
        data = bytes(envelope.data).decode()
    except ValueError as error:
        raise Unreadable("invalid-envelope", [Problem("", f"sequence, time or data: {error}")]) from None
    recorded = RECORDED in envelope.type
    return Entry(
        at=at,
        producer=_producer(envelope, sequence),
        sequence=sequence,
        type=envelope.type,
        data=data,
        cause=envelope.causeid,
        input=(envelope.inputid or envelope.causeid) if recorded else envelope.inputid,
    )


@lru_cache(maxsize=1024)
def _micros(time: str) -> int:
    """Facts of one commit, and what follows from them, have the same time. Raises ValueError."""
    return to_micros(parse_time(time))


def _producer(envelope: _Envelope, sequence: int) -> str:
    """Ids are `<producer>/<customer>/<sequence>`, of facts and alerts alike; anything else cannot be placed."""
    ending = f"/{envelope.subject}/{sequence}"
    producer = envelope.id.removesuffix(ending)
    service = envelope.source.removeprefix("tenure/")
    if sequence < 1 or not envelope.subject or not envelope.id.endswith(ending):
        raise Unreadable("invalid-envelope", [Problem("id", "expected <producer>/<subject>/<sequence>")])
    if producer.partition("/")[0] != service:
        raise Unreadable("invalid-envelope", [Problem("source", f"expected the producer of {envelope.id!r}")])
    return producer

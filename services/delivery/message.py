"""What is sent to a reader, byte by byte, and what has to be known of a message to decide who wants it.

In: a record of the topic. Out: the lines of a server-sent event. `data` is the record's value, byte for byte; `event`
is its CloudEvents type; `id` is the place from which a reader goes on after it.
"""

import json
import random
from dataclasses import dataclass, field

import msgspec
from fastapi.sse import format_sse_event

ENDED = "tenure.stream-ended"  # an event of the stream itself; every other one is named after its message's type
RETRY_MS = 1_000, 5_000  # a reader comes back after a time between these, so that not all come at once


class _Sign(msgspec.Struct, frozen=True):
    sign: str


class _Money(msgspec.Struct, frozen=True):
    amount_minor: int
    currency: str


class _Data(msgspec.Struct, frozen=True):
    segment: str | None = None
    sign: str | None = None  # of an alert about a segment
    signs: tuple[_Sign, ...] = ()
    value_at_risk: tuple[_Money, ...] = ()


class _Event(msgspec.Struct, frozen=True):
    type: str
    data: _Data = field(default_factory=_Data)


_decoder = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True)
class Message:
    """`body`: the event but for its id and the empty line behind it. `values`: minor units by currency."""

    type: str
    signs: frozenset[str]
    segment: str | None
    values: dict[str, int]
    body: bytes


def read_message(value: bytes | None) -> Message | None:
    """None for what is no CloudEvent: nothing of ours writes such a record, and nothing could be done with it."""
    try:
        event = _decoder.decode(value or b"")
        text = (value or b"").decode()
    except ValueError:  # msgspec's own errors are ValueErrors
        return None
    if not event.type.isprintable():
        return None
    return Message(
        type=event.type,
        signs=frozenset(s.sign for s in event.data.signs) | {s for s in [event.data.sign] if s is not None},
        segment=event.data.segment,
        values={money.currency: money.amount_minor for money in event.data.value_at_risk},
        body=format_sse_event(event=event.type, data_str=text).removesuffix(b"\n"),
    )


def event_of(message: Message, resume: str) -> bytes:
    return b"%bid: %b\n\n" % (message.body, resume.encode())


def opening(resume: str) -> bytes:
    """The first a reader gets: where it is, and when to come back if the connection ends."""
    return format_sse_event(comment="alerts of Tenure", id=resume, retry=random.randint(*RETRY_MS))


def keep_alive(resume: str) -> bytes:
    """No event, but the place goes on: who wants few messages need not read again those passed over."""
    return format_sse_event(comment="still here", id=resume)


def farewell(reason: str, resume: str) -> bytes:
    said = {"reason": reason, "resume": resume}
    return format_sse_event(event=ENDED, data_str=json.dumps(said, separators=(",", ":")), id=resume)

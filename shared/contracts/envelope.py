"""CloudEvents 1.0, structured JSON: how an inbound event is read, and how a fact is written and read.

In: bytes from a channel or from the log. Out: `Inbound` or `Event`, or `Unreadable` with the path of every field that
is wrong. A fact's bytes depend on its arguments alone, so the same decision always gives the same bytes.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import ConfigDict, Field, StringConstraints, ValidationError, field_validator

from shared.contracts.upcast import upcast
from shared.contracts.values import CustomerId, EventId, Model, Name, Source, UtcTime, format_time

MAX_EVENT_BYTES = 256 * 1024
MAX_DEPTH = 32  # of brackets within brackets; what the parser can take depends on who calls it from where
SCHEMA_ROOT = "urn:tenure:schema:"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an event: where (`data.amount_minor`), and what was expected."""

    path: str
    reason: str


class Unreadable(ValueError):  # noqa: N818 - it is not the program's error but the sender's
    """An event that cannot be taken. `problems` is never empty; `code` is stable, for programs."""

    def __init__(self, code: str, problems: Sequence[Problem]) -> None:
        self.code, self.problems = code, tuple(problems)
        super().__init__("; ".join(f"{p.path}: {p.reason}" if p.path else p.reason for p in self.problems))


class UnknownType(Unreadable):
    """A type that nobody here has heard of: set aside in an inbox, skipped and counted in the log."""


class Input(Model):
    """What every inbound event may say beside its own. A field that does not exist is refused, not dropped."""

    model_config = ConfigDict(extra="forbid")
    TYPE: ClassVar[str]

    channel: Name | None = Field(default=None, description="where it happened, in the channel's own words")
    segment: Name | None = Field(default=None, description="the customer's segment")
    account: Name | None = Field(default=None, description="the account that the customer belongs to")
    buyer: Name | None = Field(default=None, description="the person who acted for the account")
    imported: bool = Field(default=False, alias="import", strict=True, description="part of an import of the past")


class Fact(Model):
    """Something a service decided, in the past tense. Equal by value. What it says is never changed, only
    superseded."""

    TYPE: ClassVar[str]


M = TypeVar("M", bound=Model)
E = TypeVar("E", bound="Envelope")
F = TypeVar("F", bound="Fact")


class Envelope(Model):
    """The attributes every event has. Extension attributes that we do not know are allowed and ignored."""

    specversion: Literal["1.0"]
    id: EventId
    source: Source
    type: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=256)]
    subject: CustomerId = Field(description="the customer's id, exactly as every channel writes it")
    time: UtcTime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[str, StringConstraints(strict=True, max_length=512)] | None = None
    traceparent: Annotated[str, StringConstraints(strict=True, max_length=128)] | None = None  # W3C trace context
    data: Any = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """An event as a channel sent it, checked."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    traceparent: str | None
    data: Input
    digest: str  # of what it says; the same event sent twice has the same, whatever its layout

    @property
    def cause(self) -> str:
        """The channel's own identity of the event, unique within a customer."""
        return f"{self.source}|{self.id}"


class FactEnvelope(Envelope):
    id: str
    source: str
    subject: CustomerId
    sequence: Annotated[str, StringConstraints(pattern=r"^\d{10,}$")]
    commit: str
    causeid: str
    causedigest: str | None = None
    inputid: str | None = None

    @field_validator("commit")
    @classmethod
    def _two_sequences(cls, value: str) -> str:
        first, _, last = value.partition("-")
        if not (first.isdigit() and last.isdigit() and int(first) <= int(last)):
            raise ValueError("expected first-last, such as 5-6")
        return value


@dataclass(frozen=True, slots=True)
class Event:
    """A fact as it stands in the log."""

    producer: str  # the service that decided it
    subject: str
    sequence: int  # from 1, per producer and customer, without a gap
    first: int  # sequences of the commit it is part of
    last: int
    time: datetime
    cause: str  # "<source>|<id>" of what it was decided from
    digest: str | None  # of that cause, where the cause was a channel's event
    input: str  # "<source>|<id>" of the channel's event it records; the cause, unless that was parked for a while
    traceparent: str | None
    type: str
    data: Fact

    @property
    def id(self) -> str:
        return f"{self.producer}/{self.subject}/{self.sequence}"


def read_inbound(raw: bytes, types: Mapping[str, type[Input]]) -> Inbound:
    """Raises Unreadable (codes `too-large`, `not-json`, `too-deep`, `invalid-envelope`, `invalid-data`) or
    UnknownType."""
    check_size(raw)
    document = parse_object(raw)
    _check_depth(raw, document)
    envelope = validated(Envelope, document, "invalid-envelope", "")
    model = types.get(envelope.type)
    if model is None:
        raise UnknownType("unknown-type", [Problem("type", f"{envelope.type!r} is not an event type of this system")])
    if "data" not in document:
        raise Unreadable("invalid-data", [Problem("data", "is missing")])
    data = validated(model, envelope.data, "invalid-data", "data")
    return Inbound(
        envelope.id,
        envelope.source,
        envelope.type,
        envelope.subject,
        envelope.time,
        envelope.traceparent,
        data,
        digest_of(envelope.type, envelope.time, data),
    )


def write_inbound(event: Inbound) -> bytes:
    """As a channel might have sent it: `read_inbound` gives the same of it."""
    return compact_json(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "subject": event.subject,
            "time": format_time(event.time),
            "traceparent": event.traceparent,
            "data": event.data.model_dump(mode="json", exclude_none=True),
        }
    )


def digest_of(type_: str, time: datetime, data: Input) -> str:
    """16 hex digits that tell whether two events with one identity say the same."""
    said = f"{type_}|{time.isoformat()}|{data.model_dump_json(exclude_defaults=True)}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def write_fact(event: Event) -> bytes:
    """The bytes of a fact, the same for the same arguments on every machine and release."""
    return compact_json(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": f"tenure/{event.producer}",
            "type": event.type,
            "subject": event.subject,
            "time": event.time.isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "dataschema": SCHEMA_ROOT + event.type,
            "partitionkey": event.subject,
            "sequence": f"{event.sequence:010}",
            "commit": f"{event.first}-{event.last}",
            "causeid": event.cause,
            "causedigest": event.digest,
            "inputid": None if event.input == event.cause else event.input,
            "traceparent": event.traceparent,
            "data": event.data.model_dump(mode="json", exclude_none=True),
        }
    )


def read_fact(raw: bytes, types: Mapping[str, type[Fact]]) -> Event:
    """Old versions come out as the newest. Raises Unreadable, or UnknownType for a type of a newer release."""
    envelope, data = read_as(raw, FactEnvelope, types)
    first, _, last = envelope.commit.partition("-")
    return Event(
        producer=envelope.source.removeprefix("tenure/"),
        subject=envelope.subject,
        sequence=int(envelope.sequence),
        first=int(first),
        last=int(last),
        time=envelope.time,
        cause=envelope.causeid,
        digest=envelope.causedigest,
        input=envelope.inputid or envelope.causeid,
        traceparent=envelope.traceparent,
        type=envelope.type,
        data=data,
    )


def read_as(raw: bytes, kind: type[E], types: Mapping[str, type[F]]) -> tuple[E, F]:
    """What one of our own services said: its envelope and, by type, its data, both in their newest version. Raises
    Unreadable, or UnknownType for a type that is not among `types`."""
    document = upcast(parse_object(raw))
    envelope = validated(kind, document, "invalid-envelope", "")
    model = types.get(envelope.type)
    if model is None:
        raise UnknownType("unknown-type", [Problem("type", f"{envelope.type!r} is not known to this release")])
    return envelope, validated(model, envelope.data, "invalid-data", "data")


def compact_json(document: dict[str, Any]) -> bytes:
    present = {name: value for name, value in document.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode()


def check_size(raw: bytes) -> None:
    if len(raw) > MAX_EVENT_BYTES:
        raise Unreadable("too-large", [Problem("", f"{len(raw)} bytes; at most {MAX_EVENT_BYTES} are allowed")])


def parse_object(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw.decode())  # given bytes it would take UTF-16 and UTF-32, too
    except (ValueError, RecursionError) as error:
        raise Unreadable("not-json", [Problem("", f"not JSON in UTF-8: {error}")]) from None
    if not isinstance(document, dict):
        raise Unreadable("not-json", [Problem("", "expected a JSON object")])
    return document


def _check_depth(raw: bytes, document: dict[str, Any]) -> None:
    """Few documents have so many brackets at all; only these are walked through."""
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent) if isinstance(child, (dict, list))]
        if not level:
            return
    raise Unreadable("too-deep", [Problem("", f"brackets within brackets, more than {MAX_DEPTH} deep")])


def _children(parent: Any) -> Iterable[Any]:
    return parent.values() if isinstance(parent, dict) else parent


def validated(model: type[M], value: Any, code: str, prefix: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [
            Problem(_path(prefix, e["loc"]), e["msg"].removeprefix("Value error, "))
            for e in error.errors(include_url=False, include_input=False)
        ]
        raise Unreadable(code, problems) from None


def _path(prefix: str, location: Sequence[int | str]) -> str:
    return ".".join([prefix, *map(str, location)] if prefix else map(str, location))

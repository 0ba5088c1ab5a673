"""One record of an inbox: what it asks, or why it cannot be taken.

Channels may write to an inbox themselves, so a record is trusted no more than a request: the same rules of admission as
at the HTTP door, and its key and partition must be the customer's, or another owner would decide for the customer at
the same time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.broker import Record
from shared.chain import Question, question_of_input
from shared.contracts.binary_mode import (
    JSON,
    STRUCTURED,
    Attributes,
    attributes_of_kafka,
    check_agreement,
    is_json,
    structured,
)
from shared.contracts.envelope import Inbound, Input, Problem, Unreadable, read_inbound
from shared.contracts.measures import Measures
from shared.contracts.tick import read_tick
from shared.contracts.values import from_micros
from shared.dead_letters import DeadLetter, dead_letter, traceparent_of
from shared.intake import admit
from shared.settings import TimeSource
from shared.topics import catalogue_subjects, partition_of

CONTENT_TYPE = "content-type"  # header of a record, as the Kafka protocol binding of CloudEvents writes it


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing before `at` follows in this partition."""

    at: datetime
    record: Record


@dataclass(frozen=True, slots=True)
class Put:
    """A question, and the record it came with."""

    question: Question
    record: Record


InboxItem = Put | Tick | DeadLetter


class InboxReader:
    """Reads the inbox of one service."""

    def __init__(self, types: Mapping[str, type[Input]], *, partitions: int, time: TimeSource) -> None:
        self._types, self._partitions, self._time = types, partitions, time

    def read(self, record: Record) -> InboxItem:
        """Never raises: what cannot be taken comes back as a dead letter."""
        try:
            event = event_of(record)
            if record.key is None and (tick := read_tick(event)) is not None:
                return Tick(self._tick_time(tick.at, record), record)
            return Put(self._question(record, event), record)
        except Unreadable as error:
            return dead_letter(record, error)

    def _tick_time(self, at: datetime | None, record: Record) -> datetime:
        if self._time is TimeSource.WALL:
            return record_time(record)
        if at is None:
            raise Unreadable("invalid-tick", [Problem("data.at", "a tick of a history says its time")])
        return at

    def _question(self, record: Record, value: bytes) -> Question:
        """Measures keep their own time: it decides between two of them, and has to be the same in every partition."""
        event = read_inbound(value, self._types)
        self._check_place(event, record)
        arrived = record_time(record) if self._time is TimeSource.WALL else None
        admit(event, now=arrived, measures_as=catalogue_subjects(self._partitions)[record.partition])
        at = event.time if arrived is None or isinstance(event.data, Measures) else min(event.time, arrived)
        return question_of_input(event, at, value, event.traceparent or traceparent_of(record))

    def _check_place(self, event: Inbound, record: Record) -> None:
        wanted = partition_of(event.subject, self._partitions)
        if record.key == event.subject.encode() and record.partition == wanted:
            return
        reason = (
            f"the record's key must be the subject and its partition {wanted} (murmur2 of the key; with librdkafka set "
            f"partitioner=murmur2_random), not {record.partition}"
        )
        raise Unreadable("wrong-partition", [Problem("subject", reason)])


def event_of(record: Record) -> bytes:
    """Structured JSON, in whichever mode the record was written: its value, byte for byte, or what its headers and its
    value say together. Raises Unreadable."""
    if record.headers and (attributes := attributes_of_kafka(record.headers)):
        return _with_headers(record, attributes)
    if record.value is None:
        raise Unreadable("no-value", [Problem("", "the record has no value")])
    return record.value


def _with_headers(record: Record, attributes: Attributes) -> bytes:
    match [(value or b"").decode("ascii", "replace") for name, value in record.headers if name == CONTENT_TYPE]:
        case [kind] if kind.lower().startswith(STRUCTURED) and record.value is not None:
            check_agreement(attributes, record.value)
            return record.value
        case [kind] if is_json(kind):
            return structured(attributes, record.value)
        case [kind]:
            reason = f"{kind[:100]!r} is not {JSON}"
        case kinds:
            reason = f"is said by {len(kinds)} headers; in binary mode there is one, {JSON}"
    raise Unreadable("media-type-not-supported", [Problem(CONTENT_TYPE, reason)])


def record_time(record: Record) -> datetime:
    """The broker's time of the record, aware UTC."""
    return from_micros(record.timestamp * 1000)

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
from shared.contracts.envelope import Inbound, Input, Problem, Unreadable, read_inbound
from shared.contracts.tick import read_tick
from shared.contracts.values import from_micros
from shared.dead_letters import DeadLetter, dead_letter, traceparent_of
from shared.intake import admit
from shared.settings import TimeSource
from shared.topics import partition_of


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
            if record.value is None:
                raise Unreadable("no-value", [Problem("", "the record has no value")])
            if record.key is None and (tick := read_tick(record.value)) is not None:
                return Tick(self._tick_time(tick.at, record), record)
            return Put(self._question(record, record.value), record)
        except Unreadable as error:
            return dead_letter(record, error)

    def _tick_time(self, at: datetime | None, record: Record) -> datetime:
        if self._time is TimeSource.WALL:
            return record_time(record)
        if at is None:
            raise Unreadable("invalid-tick", [Problem("data.at", "a tick of a history says its time")])
        return at

    def _question(self, record: Record, value: bytes) -> Question:
        event = read_inbound(value, self._types)
        self._check_place(event, record)
        arrived = record_time(record) if self._time is TimeSource.WALL else None
        admit(event, now=arrived)
        at = event.time if arrived is None else min(event.time, arrived)
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


def record_time(record: Record) -> datetime:
    """The broker's time of the record, aware UTC."""
    return from_micros(record.timestamp * 1000)

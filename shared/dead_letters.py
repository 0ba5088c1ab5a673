"""What could not be taken, set aside whole: the original bytes, where they stood, a reason that can be acted on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from shared.broker import Outgoing, Record
from shared.contracts.envelope import Problem, Unreadable
from shared.logs import traced
from shared.telemetry import DEAD_LETTERS
from shared.topics import dead_letters

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    record: Record
    code: str
    problems: Sequence[Problem]


def traceparent_of(record: Record) -> str | None:
    """From the record's headers. One may be without a value, whatever its type says: anybody may write a header."""
    return next(
        (value.decode("ascii", "replace") for name, value in record.headers if name == "traceparent" and value), None
    )


def dead_letter(record: Record, error: Unreadable) -> DeadLetter:
    return DeadLetter(record, error.code, error.problems)


def set_aside(service: str, letter: DeadLetter) -> Outgoing:
    """The record for the service's dead-letter topic; its coordinates identify it, so a second copy is known as one.
    Counts it and says so in the log."""
    record = letter.record
    DEAD_LETTERS.labels(letter.code).inc()
    with traced(traceparent_of(record)):
        log.warning(
            "event_set_aside", code=letter.code, topic=record.topic, partition=record.partition, offset=record.offset
        )
    reason = {"code": letter.code, "problems": [{"path": p.path, "reason": p.reason} for p in letter.problems]}
    headers = (
        ("reason", json.dumps(reason, ensure_ascii=False).encode()),
        ("topic", record.topic.encode()),
        ("partition", str(record.partition).encode()),
        ("offset", str(record.offset).encode()),
        *((("key", record.key),) if record.key is not None else ()),
    )
    return Outgoing(dead_letters(service), 0, record.key, record.value, headers)

"""What could not be taken, set aside whole: the original bytes and headers, where they stood, a reason that can be
acted on.

Our own headers have the names below; those of the record come behind them under `original.<name>`, so that nobody can
write a header that looks like one of ours. A record too large for the topic leaves its hash and its place.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from shared.broker import Outgoing, Record
from shared.contracts.envelope import Problem, Unreadable
from shared.logs import traced
from shared.telemetry import DEAD_LETTERS
from shared.topics import DEAD_LETTER_MAX_BYTES, dead_letters

log = structlog.get_logger()

ORIGINAL = "original."  # prefix of what was a header of the record
MOST_PROBLEMS, MOST_CHARACTERS = 20, 500  # of a reason, which must not grow with what was sent
MOST_BYTES = DEAD_LETTER_MAX_BYTES - 64 * 1024  # the rest is for the batch around it

Header = tuple[str, bytes]


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
    own, originals = _own_headers(letter), tuple((ORIGINAL + name, value) for name, value in record.headers)
    if 2 * len(record.key or b"") + len(record.value or b"") + _size_of((*own, *originals)) > MOST_BYTES:
        return Outgoing(dead_letters(service), 0, None, None, (*own, *_hash_of(record.value or b"")))
    key = () if record.key is None else (("key", record.key),)
    return Outgoing(dead_letters(service), 0, record.key, record.value, (*own, *key, *originals))


def original_headers(headers: Iterable[Header]) -> tuple[Header, ...]:
    """Of the record that was set aside, as they were."""
    return tuple((name.removeprefix(ORIGINAL), value) for name, value in headers if name.startswith(ORIGINAL))


def _size_of(headers: Iterable[Header]) -> int:
    return sum(len(name.encode()) + len(value or b"") for name, value in headers)


def _own_headers(letter: DeadLetter) -> tuple[Header, ...]:
    record = letter.record
    problems = [{"path": _clip(p.path), "reason": _clip(p.reason)} for p in letter.problems[:MOST_PROBLEMS]]
    reason = {"code": letter.code, "problems": problems}
    return (
        ("reason", json.dumps(reason).encode()),  # in ASCII: what was sent may hold half a character
        ("topic", record.topic.encode()),
        ("partition", str(record.partition).encode()),
        ("offset", str(record.offset).encode()),
    )


def _hash_of(value: bytes) -> tuple[Header, ...]:
    return ("value-sha256", hashlib.sha256(value).hexdigest().encode()), ("value-bytes", str(len(value)).encode())


def _clip(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"

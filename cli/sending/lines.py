"""Which events stand in a file of JSON lines, and where are those that are none?

In: a path (`.gz` is unpacked) or a stream. Out: `Line` or `Faulty`, in the order of the file; a faulty line never hides
its neighbours. Blank lines are passed over, and counted.
"""

import gzip
import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.sending.neutral import BadLine, to_cloudevent
from shared.contracts.values import parse_time


@dataclass(frozen=True, slots=True)
class Line:
    """An event ready to send."""

    number: int  # from 1, in its file
    at: datetime  # the event's own time, by which a history is ordered
    id: str
    body: bytes  # CloudEvents 1.0, structured JSON


@dataclass(frozen=True, slots=True)
class Faulty:
    """A line that is no event; it is reported, never sent."""

    number: int
    reason: str


class OutOfOrder(ValueError):  # noqa: N818 - it is not the program's error but the file's
    """A history whose times run backwards at this line."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"line {number} is older than the line before it")


def open_lines(path: Path) -> Iterator[bytes]:
    """Raises OSError, also for a damaged archive."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        yield from file


def read_lines(raw: Iterable[bytes], *, source: str) -> Iterator[Line | Faulty]:
    """`source` is used for lines in the neutral format that name none."""
    for number, text in enumerate(raw, start=1):
        if text.strip():
            yield _read(number, text, source)


def in_order(items: Iterable[Line | Faulty]) -> Iterator[Line | Faulty]:
    """The same, or OutOfOrder at the first line that is older than the one before it."""
    newest = datetime.min.replace(tzinfo=UTC)
    for item in items:
        if isinstance(item, Line):
            if item.at < newest:
                raise OutOfOrder(item.number)
            newest = item.at
        yield item


def sort_lines(items: Iterable[Line | Faulty]) -> list[Line | Faulty]:
    """By time; lines of one instant stay as they were. Faulty ones first. Holds all in memory."""
    everything = list(items)
    faulty: list[Line | Faulty] = [item for item in everything if isinstance(item, Faulty)]
    return faulty + sorted((item for item in everything if isinstance(item, Line)), key=lambda line: line.at)


def merge_lines(*files: Iterable[Line | Faulty]) -> Iterator[Line]:
    """Files in order, as one in order; they must be without a fault. Raises BadLine."""
    return heapq.merge(*map(_faultless, files), key=lambda line: line.at)


def _faultless(items: Iterable[Line | Faulty]) -> Iterator[Line]:
    for item in items:
        if isinstance(item, Faulty):
            raise BadLine(f"line {item.number}: {item.reason}")
        yield item


def _read(number: int, raw: bytes, source: str) -> Line | Faulty:
    try:
        text, said = _object(raw)
        event = to_cloudevent(said, source)
        body = text if event is said else json.dumps(event, ensure_ascii=False)
        return Line(number, _time(event), str(event.get("id", "")), body.encode())
    except BadLine as error:
        return Faulty(number, str(error))
    except UnicodeEncodeError:
        return Faulty(number, "a text in it is no Unicode (half of a surrogate pair)")


def _object(raw: bytes) -> tuple[str, dict[str, Any]]:
    """The line as it was written, and what it says."""
    try:
        text = raw.decode("utf-8-sig").strip()
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON in UTF-8: {error}") from None
    if not isinstance(document, dict):
        raise BadLine("expected a JSON object")
    return text, document


def _time(event: dict[str, Any]) -> datetime:
    text = event.get("time")
    if not isinstance(text, str):
        raise BadLine("time: expected an RFC 3339 time as a string")
    try:
        return parse_time(text)
    except ValueError as error:
        raise BadLine(f"time: {error}") from None

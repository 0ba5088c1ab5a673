"""`tenure dead-letters`: what could not be read, where it stood, and why. Read from the topics, never from counters."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import JsonOption, KafkaOption, kafka_place
from cli.errors import UNASKED, CliError
from cli.output import json_line, say, table
from shared.broker import Record

if TYPE_CHECKING:
    from shared.kafka_client import Kafka

ServiceOption = Annotated[str | None, typer.Option("--service", help="Only this service's.")]


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that was set aside. Its coordinates are those of the original, and identify it. `headers`: ours, and
    those of the record under `original.<name>`."""

    set_aside_at: datetime
    service: str
    topic: str
    partition: int
    offset: int
    code: str
    problems: tuple[Mapping[str, str], ...]
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def reason(self) -> str:
        return "; ".join(
            f"{p.get('path')}: {p.get('reason')}" if p.get("path") else p.get("reason", "") for p in self.problems
        )

    def to_json(self) -> dict[str, Any]:
        """Bytes that are no text come as `..._base64`."""
        return {
            "time": self.set_aside_at.isoformat().replace("+00:00", "Z"),
            "service": self.service,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "code": self.code,
            "problems": list(self.problems),
            **_readable("key", self.key),
            **_readable("value", self.value),
            "headers": [{"name": name, **_readable("value", value)} for name, value in self.headers],
        }


def dead_letters(service: ServiceOption = None, kafka: KafkaOption = None, as_json: JsonOption = False) -> None:
    """What could not be read, and why; the oldest first."""
    found = asyncio.run(read_letters(kafka_place(kafka), service))
    if as_json:
        for letter in found:
            json_line(letter.to_json())
    elif found:
        table(("time", "service", "topic/partition/offset", "customer", "code", "reason"), map(_row, found))
    else:
        say("Nothing was set aside.")


async def read_letters(kafka: "Kafka", service: str | None = None) -> list[Letter]:
    """All there are now, oldest first. Copies of one record are one letter. Raises CliError, KafkaError."""
    from cli.topic_reader import read_to_end
    from shared.contracts.catalogue import DOMAIN_SERVICES
    from shared.topics import READERS
    from shared.topics import dead_letters as topic_of

    known = (*DOMAIN_SERVICES, *READERS)
    if service not in (None, *known):
        raise CliError(f"{service} sets nothing aside: those that do are {', '.join(known)}.", UNASKED)
    services = known if service is None else (service,)
    letters: dict[tuple[str, str, int, int], Letter] = {}

    def take(record: Record) -> None:
        letter = letter_of(record)
        stood = (letter.topic, letter.partition, letter.offset)
        letters.setdefault(
            (letter.service, *(stood if letter.offset >= 0 else (record.topic, -1, record.offset))), letter
        )

    await read_to_end(kafka, [topic_of(name) for name in services], take)
    return sorted(
        letters.values(), key=lambda letter: (letter.set_aside_at, letter.topic, letter.partition, letter.offset)
    )


def letter_of(record: Record) -> Letter:
    """Headers that are missing or damaged leave a gap, not a failure: a letter must always be readable."""
    headers = dict(record.headers)
    code, problems = _reason(headers.get("reason", b""))
    return Letter(
        set_aside_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        service=record.topic.partition(".")[0],
        topic=headers.get("topic", b"?").decode(errors="replace"),
        partition=_number(headers.get("partition")),
        offset=_number(headers.get("offset")),
        code=code,
        problems=problems,
        key=headers.get("key", record.key),
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers),
    )


def _reason(raw: bytes) -> tuple[str, tuple[Mapping[str, str], ...]]:
    try:
        found = json.loads(raw)
        return str(found["code"]), tuple({name: str(text) for name, text in p.items()} for p in found["problems"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "unknown", ({"path": "", "reason": raw.decode(errors="replace")},)


def _number(raw: bytes | None) -> int:
    """-1 where it is not said."""
    return int(raw) if raw is not None and raw.isdigit() else -1


def _row(letter: Letter) -> tuple[str, ...]:
    return (
        letter.set_aside_at.strftime("%Y-%m-%d %H:%M:%S"),
        letter.service,
        f"{letter.topic}/{letter.partition}/{letter.offset}",
        customer_of(letter) or "-",
        letter.code,
        letter.reason,
    )


def customer_of(letter: Letter) -> str | None:
    """By the key it had, else by what the event says, if it can be read so far."""
    from shared.dead_letters import original_headers

    said = [value for name, value in original_headers(letter.headers) if name == "ce_subject" and value]
    for raw in [letter.key, *said]:
        if raw is not None:
            return raw.decode(errors="replace")
    try:
        event = json.loads(letter.value or b"")
    except ValueError:
        return None
    subject = event.get("subject") if isinstance(event, dict) else None
    return subject if isinstance(subject, str) else None


def _readable(name: str, raw: bytes | None) -> dict[str, str | None]:
    try:
        return {name: None if raw is None else raw.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(raw or b"").decode()}

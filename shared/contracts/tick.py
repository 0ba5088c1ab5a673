"""Ticks: records that say a partition's past is complete. How one is written, and how it is told from an event.

A tick belongs to a partition, not to a customer: its record has no key, and it has no subject. In an inbox in wall time
it has no instant of its own either: there the broker's record time is meant.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from shared.contracts.envelope import SCHEMA_ROOT, Problem, Unreadable
from shared.contracts.protocol import TICK, TickData
from shared.contracts.values import format_time

_MARK = TICK.encode()


@dataclass(frozen=True, slots=True)
class Tick:
    """`source`: who says so, such as `tenure/retention`. `last`: of a history."""

    source: str
    at: datetime | None
    last: bool


def write_tick(source: str, at: datetime | None, last: bool = False) -> bytes:
    """The same bytes for the same arguments."""
    time = None if at is None else format_time(at)
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"tick/{time or 'now'}",
        "source": source,
        "type": TICK,
        **({} if time is None else {"time": time}),
        "datacontenttype": "application/json",
        "dataschema": SCHEMA_ROOT + TICK,
        "data": {**({} if time is None else {"at": time}), "last": last},
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def read_tick(raw: bytes) -> Tick | None:
    """None: it is something else. Cheap for everything that is no tick. Raises Unreadable (`invalid-tick`)."""
    if _MARK not in raw:
        return None
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None  # whoever reads events says what is wrong with it
    if not isinstance(document, dict) or document.get("type") != TICK:
        return None  # the mark stood somewhere in an event
    try:
        data = TickData.model_validate(document.get("data"))
    except ValidationError as error:
        problems = [Problem(".".join(["data", *map(str, e["loc"])]), e["msg"]) for e in error.errors(include_url=False)]
        raise Unreadable("invalid-tick", problems) from None
    return Tick(str(document.get("source")), data.at, data.last)

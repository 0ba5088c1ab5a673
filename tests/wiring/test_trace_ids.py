"""What is logged of an event carries the id of its trace."""

import structlog

from shared.dead_letters import traceparent_of
from shared.door import Door
from shared.health import Health
from shared.memory_broker import MemoryRecord

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_the_trace_of_a_record_stands_in_its_header() -> None:
    traced = MemoryRecord(
        "retention.inbox", 0, 7, 0, b"c", b"{", (("other", b"x"), ("traceparent", TRACEPARENT.encode()))
    )
    assert traceparent_of(traced) == TRACEPARENT


def test_a_record_without_the_header_or_with_an_empty_one_has_no_trace() -> None:
    assert traceparent_of(MemoryRecord("retention.inbox", 0, 7, 0, b"c", b"{")) is None
    assert traceparent_of(MemoryRecord("retention.inbox", 0, 7, 0, b"c", b"{", (("traceparent", b""),))) is None


async def test_what_a_request_logs_carries_the_trace_of_the_request() -> None:
    bound: list[object] = []

    async def service(*_: object) -> None:
        bound.append(structlog.contextvars.get_contextvars().get("trace_id"))

    door = Door("gateway", Health(stalled_after_s=1))
    door.open(service)
    scope = {"type": "http", "path": "/v1/events", "headers": [(b"traceparent", TRACEPARENT.encode())]}
    await door(scope, None, None)  # type: ignore[arg-type]
    await door({"type": "http", "path": "/v1/events", "headers": []}, None, None)  # type: ignore[arg-type]
    assert [TRACE, None] == bound

"""The log as everyday events of a large base leave it, without a service that writes it.

In: how many customers and events. Out: records of one partition: what was recorded, and the ticks of each day. What
services derive from it is left out, for analytics passes it over.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import msgspec

from shared.contracts.catalogue import DOMAIN_SERVICES, OWNER_OF
from shared.contracts.tick import write_tick
from shared.contracts.values import format_time
from shared.memory_broker import MemoryRecord
from shared.topics import CUSTOMER_EVENTS
from tests.bench.load import KINDS, data_of, everyday, name_of

EXAMPLES = Path(__file__).parents[2] / "shared" / "contracts" / "examples"
DAY = timedelta(days=1)


def everyday_log(customers: int, events: int) -> Iterator[MemoryRecord]:
    """In order of time; behind each day's events its ticks."""
    for offset, (key, value) in enumerate(_told(customers, events)):
        yield MemoryRecord(CUSTOMER_EVENTS, 0, offset, 0, key, value)


def _told(customers: int, events: int) -> Iterator[tuple[bytes | None, bytes]]:
    envelopes = {kind: _envelope(kind) for kind in KINDS}
    last: Counter[tuple[str, int]] = Counter()  # sequences, by service and customer
    midnight: datetime | None = None
    for number, kind, customer, at in everyday(customers, events):
        midnight = midnight or datetime.combine(at.date(), time(), UTC) + DAY
        while midnight <= at:
            yield from _ticks(midnight)
            midnight += DAY
        chain = OWNER_OF[f"tenure.{kind}.v1"], customer
        last[chain] += 1
        said = {
            "subject": name_of(customer), "time": format_time(at), "sequence": f"{last[chain]:010}",
            "causeid": f"everyday|everyday-{number}", "data": data_of(kind, number, customer),
        }  # fmt: skip
        yield name_of(customer).encode(), msgspec.json.encode(envelopes[kind] | said)
    assert midnight is not None, "there is at least one event"
    yield from _ticks(midnight)


def _envelope(kind: str) -> dict[str, object]:
    """Of the committed example: what no reader looks at has to be passed over all the same."""
    example: dict[str, object] = msgspec.json.decode((EXAMPLES / f"tenure.{kind}-recorded.v1.json").read_bytes())
    return example


def _ticks(at: datetime) -> Iterator[tuple[None, bytes]]:
    return ((None, write_tick(f"tenure/{service}", at)) for service in DOMAIN_SERVICES)

"""How long is it from an event in an inbox to the alert it raises, while a deployment works at half of what it can?

In: a deployment in wall time, and a rate. Among everyday events some customers complain a third time, which raises an
alert at once: inbox, log, alerts, three hops. Both instants are the times that the broker gave the records.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cli.context import connect_gateway
from cli.errors import CliError
from cli.sending.door import Door
from cli.sending.lines import Line
from cli.topic_reader import read_to_end
from deploy.local.stack import LocalStack
from shared.broker import Record
from shared.topics import ALERTS, inbox
from tests.bench.load import KINDS, OFTEN, SEED, everyday_event
from tests.bench.traffic import traffic

EVERY_S = 0.1  # a batch of everyday events
WARM_UP_S = 10.0  # in which nobody is measured
SETTLES_S = 5.0
BEFORE = timedelta(minutes=2)  # the first two complaints, to the third
CUSTOMERS = 20_000
WHO, SECOND, THIRD = 1_000_000, 2_000_000, 3_000_000  # from here on the numbers of who complains, and of complaints


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds, to one. `rate`: events a second, as sent."""

    rate: float
    seconds: float
    alerts: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


def measure(stack: LocalStack, rate: float, seconds: float) -> Latency:
    """Raises CliError if an alert that had to come did not."""
    every = round((WARM_UP_S + seconds) / EVERY_S)
    with connect_gateway(stack.gateway_url, stack.key) as client:
        first = datetime.now(UTC) - BEFORE
        for complaint in (WHO, SECOND):
            Door(client).send([everyday_event(complaint + n, "complaint", WHO + n, first) for n in range(every)])
    time.sleep(SETTLES_S)
    began = time.monotonic()
    with traffic(stack, _batches(rate, every), every_s=EVERY_S) as sent:
        while sent.failure is None and time.monotonic() - began < every * EVERY_S:
            time.sleep(EVERY_S)
    took = time.monotonic() - began
    time.sleep(SETTLES_S)
    told = sorted(_delays(stack, skip=round(WARM_UP_S / EVERY_S)))
    if len(told) < every - round(WARM_UP_S / EVERY_S) - 1:  # the last may not have been sent
        raise CliError(f"{every} customers complained three times and {len(told)} alerts came in time.")
    return Latency(sent.events / took, seconds, len(told), _quantile(told, 0.5), _quantile(told, 0.99), told[-1])


def _batches(rate: float, number: int) -> Iterator[list[Line]]:
    """Everyday events, and among them, anywhere, the third complaint of one customer."""
    chance, of_each = random.Random(SEED), max(1, round(rate * EVERY_S)) - 1
    for n in range(number):
        now = datetime.now(UTC)
        kinds = chance.choices(KINDS, OFTEN, k=of_each)
        batch = [
            everyday_event(n * of_each + k, kind, chance.randrange(CUSTOMERS), now) for k, kind in enumerate(kinds)
        ]
        batch.insert(chance.randrange(len(batch) + 1), everyday_event(THIRD + n, "complaint", WHO + n, now))
        yield batch


def _delays(stack: LocalStack, *, skip: int) -> list[float]:
    """Of all third complaints but the first `skip`, milliseconds."""
    records: list[Record] = []
    asyncio.run(read_to_end(stack.kafka, [inbox("interaction"), ALERTS], records.append))
    said: dict[str, int] = {}
    raised: dict[str, int] = {}
    for record in records:
        if record.key is None or record.value is None:
            continue
        event = json.loads(record.value)
        if record.topic == ALERTS:
            raised.setdefault(event["subject"], record.timestamp)
        elif int(event["id"].rpartition("-")[2]) >= SECOND + skip:
            said[event["subject"]] = record.timestamp
    return [float(raised[who] - at) for who, at in said.items() if who in raised]


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

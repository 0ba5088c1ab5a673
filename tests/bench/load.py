"""What is sent: the demo's history, as often as is needed for the events asked for, every time with customers of its
own; or everyday events of a base of a given size.

In: a number of events. Out: lines in order of time, and the steps in which they go. A tick a week rather than a day: a
tick makes the services wait for one another, and throughput is the question here.
"""

import json
import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

from cli.data import CDNOW, STORY
from cli.sending.lines import Line, merge_lines, open_lines, read_lines
from cli.sending.steps import MAX_BATCH, Step, Tick, batches
from shared.contracts.values import format_time

WEEK = timedelta(days=7)
FILES = (CDNOW, STORY)
KINDS = ("contact", "purchase", "enquiry", "complaint")
OFTEN = (60, 25, 12, 3)  # of a hundred
BASE_BEGINS, BASE_LASTS = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=182)
SEED = 4711


def history(events: int) -> list[Line]:
    """At least so many, in order of time: whole copies of the files."""
    once = sum(1 for file in FILES for _ in open_lines(file))
    copies = math.ceil(events / once)
    return list(merge_lines(*(read_lines(_copied(file, copies), source="web-shop") for file in FILES)))


def base(customers: int, events: int) -> list[Line]:
    """At least one event of each customer, evenly over BASE_LASTS, in order of time."""
    return [everyday_event(*one) for one in everyday(customers, events)]


def everyday(customers: int, events: int) -> Iterator[tuple[int, str, int, datetime]]:
    """The same, as number, kind, customer and time of each."""
    chance, number = random.Random(SEED), max(customers, events)
    who = [*range(customers), *(chance.randrange(customers) for _ in range(number - customers))]
    chance.shuffle(who)
    kinds = chance.choices(KINDS, OFTEN, k=number)
    for n, (kind, customer) in enumerate(zip(kinds, who, strict=True)):
        yield n, kind, customer, BASE_BEGINS + n * BASE_LASTS / number


def everyday_event(number: int, kind: str, customer: int, at: datetime) -> Line:
    """`kind` is one of KINDS."""
    id_ = f"everyday-{number}"
    event = {
        "specversion": "1.0", "id": id_, "source": "everyday", "type": f"tenure.{kind}.v1",
        "subject": name_of(customer), "time": format_time(at), "data": data_of(kind, number, customer),
    }  # fmt: skip
    return Line(number, at, id_, json.dumps(event).encode())


def name_of(customer: int) -> str:
    return f"customer-{customer:06}"


def data_of(kind: str, number: int, customer: int) -> dict[str, object]:
    """What an everyday event of that kind says."""
    match kind:
        case "contact":
            return {"route": "email", "direction": "inbound"}
        case "purchase":
            return {"amount_minor": 500 + customer % 9_500, "currency": "EUR"}
        case "enquiry":
            return {"origin": "existing-customer"}
        case _:
            return {"complaint": f"case-{number}", "route": "telephone", "about": "service"}


def steps(lines: Sequence[Line]) -> Iterator[Step]:
    """Batches, and behind those of each week its tick; the first step is the tick of the midnight before them all."""
    first = datetime.combine(lines[0].at.date(), time(), tzinfo=UTC)
    weeks = (lines[-1].at - first) // WEEK
    yield Tick(first)
    for week, of_week in groupby(lines, key=lambda line: (line.at - first) // WEEK):
        yield from batches(of_week, MAX_BATCH)
        yield Tick(first + (week + 1) * WEEK, last=week == weeks)


def _copied(file: Path, copies: int) -> Iterator[bytes]:
    """A line's copies follow one another, so the order of time stays."""
    for line in open_lines(file):
        customer = json.loads(line)["customer_id"].encode()
        for number in range(copies):
            yield line.replace(customer, b"%03d-%b" % (number, customer))

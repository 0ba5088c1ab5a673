"""What is sent: the demo's history, as often as is needed for the events asked for, every time with customers of its
own.

In: a number of events. Out: lines in order of time, and the steps in which they go. A tick a week rather than a day: a
tick makes the services wait for one another, and throughput is the question here.
"""

import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

from cli.data import CDNOW, STORY
from cli.sending.lines import Line, merge_lines, open_lines, read_lines
from cli.sending.steps import MAX_BATCH, Step, Tick, batches

WEEK = timedelta(days=7)
FILES = (CDNOW, STORY)


def history(events: int) -> list[Line]:
    """At least so many, in order of time: whole copies of the files."""
    once = sum(1 for file in FILES for _ in open_lines(file))
    copies = math.ceil(events / once)
    return list(merge_lines(*(read_lines(_copied(file, copies), source="web-shop") for file in FILES)))


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

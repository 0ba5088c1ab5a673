"""In which steps does a file go to the gateway? Pure: lines in, batches and ticks out.

Without history: batches. With history (lines in order of time): the events of a UTC day in batches, then the tick of
the midnight that ends it, one for every day, also for a day without events; the last one says that it is the last. The
first step is the tick of the midnight before: whoever cannot take a history refuses it before an event is sent. A step
is only taken when the one before it is acknowledged, which is what makes a tick true.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import groupby

from cli.sending.lines import Line

MAX_BATCH = 1_000  # events the gateway takes at once
MAX_BATCH_BYTES = 4 * 1024 * 1024  # half of what it takes
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one request, in order; never empty."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing before `to` follows."""

    to: datetime
    last: bool = False


Step = Batch | Tick


def batches(lines: Iterable[Line], size: int) -> Iterator[Batch]:
    """At most `size` events and MAX_BATCH_BYTES each; a larger event goes alone, to be refused."""
    held: list[Line] = []
    weight = 0
    for line in lines:
        if held and (len(held) == size or weight + len(line.body) > MAX_BATCH_BYTES):
            yield Batch(tuple(held))
            held, weight = [], 0
        held.append(line)
        weight += len(line.body)
    if held:
        yield Batch(tuple(held))


def history_steps(lines: Iterable[Line], size: int) -> Iterator[Step]:
    """Lines in order of time. Nothing for no lines."""
    midnight = None  # the first whose tick has not been given
    for end, of_day in groupby(lines, key=_end_of_day):
        midnight = midnight or end - DAY
        while midnight < end:
            yield Tick(midnight)
            midnight += DAY
        yield from batches(of_day, size)
    if midnight is not None:
        yield Tick(midnight, last=True)


def _end_of_day(line: Line) -> datetime:
    return datetime.combine(line.at.date(), time(), tzinfo=UTC) + DAY

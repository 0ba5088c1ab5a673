"""Is a record dated ahead of its time? In wall time record times are the time, so one that is must move nothing.

It happens where a producer's clock is trusted and fast, and where a broker's clock was wrong for a while. In: records
of an inbox, and what other services' ticks in the log say. Out: the refusals of those that every clock contradicts.

1. The clock of this host raises the doubt, and decides nothing: it may be slow.
2. The brokers are asked: a tick is appended to every partition of this member, and is given its leader's time.
3. All say that the record is right: it is. All say that it is ahead, and no other service has ticked late enough for
   it: it is refused. Otherwise one of the clocks is wrong and nobody knows which, and nothing may be thrown away or
   moved by it: `ClocksDisagree`, and the reader stands until they agree.

What is refused is a dead letter, and what is taken a fact, so no rebuild asks a clock again.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from shared.broker import Record
from shared.contracts.envelope import Problem, Unreadable
from shared.contracts.values import format_time, from_micros, to_micros

log = structlog.get_logger()

AHEAD = timedelta(
    minutes=5
)  # by so much two clocks may differ; ticks, which speak for other services, come each minute
AHEAD_MS = AHEAD // timedelta(milliseconds=1)

Place = tuple[int, int]  # partition, offset


class ClocksDisagree(RuntimeError):  # noqa: N818 - it says what is wrong, for whoever sets the clocks
    """By one clock a record is dated ahead, by another it is not."""


class RecordTimes:
    """Of the inbox of one service. `ask`: the broker's time in a partition now, in milliseconds; `now`: this host's."""

    def __init__(self, *, ask: Callable[[int], Awaitable[int]], now: Callable[[], datetime]) -> None:
        self._ask, self._now = ask, now
        self._asked: dict[int, int] = {}  # partition -> the newest answer
        self._others: dict[int, dict[str, int]] = {}  # partition -> service -> its newest tick

    def heard(self, partition: int, service: str, at: datetime) -> None:
        """Another service has ticked. Kept over a new assignment: it says nothing of what was decided."""
        ticks, at_ms = self._others.setdefault(partition, {}), to_micros(at) // 1000
        ticks[service] = max(at_ms, ticks.get(service, at_ms))

    async def refusals(self, records: Sequence[Record], partitions: Collection[int]) -> dict[Place, Unreadable]:
        """`partitions`: all of this member. Raises ClocksDisagree, PublishUnknown."""
        here = to_micros(self._now()) // 1000
        doubtful = [r for r in records if r.timestamp > max(here, self._asked.get(r.partition, 0)) + AHEAD_MS]
        if not doubtful:
            return {}
        asked = {partition: await self._ask(partition) for partition in sorted(partitions)}
        found = {(record.partition, record.offset): self._verdict(record, asked) for record in doubtful}
        self._asked = asked  # only now: where clocks disagree, the next look asks again
        refused = {place: refusal for place, refusal in found.items() if refusal is not None}
        if len(refused) < len(doubtful):
            log.warning("clock_behind", host=_text(here), broker=_text(min(asked.values())))
        return refused

    def _verdict(self, record: Record, asked: Mapping[int, int]) -> Unreadable | None:
        """None: the brokers' clocks say that it is right."""
        limit = record.timestamp - AHEAD_MS
        others = self._others.get(record.partition, {})
        for_it = [at >= limit for at in asked.values()]
        if all(for_it):
            return None
        if any(for_it) or any(at >= limit for at in others.values()):
            clocks = {f"partition {n}": at for n, at in asked.items()} | others
            said = ", ".join(f"{name} {_text(at)}" for name, at in clocks.items())
            place = f"{record.topic}/{record.partition}/{record.offset}"
            log.error("clocks_disagree", place=place, record=_text(record.timestamp), clocks=said)
            raise ClocksDisagree(f"{place} is dated {_text(record.timestamp)}, and clocks say: {said}")
        there = _text(asked[record.partition])
        reason = f"is dated {_text(record.timestamp)}, more than {AHEAD} after the broker's time, {there}"
        return Unreadable("record-time-ahead", [Problem("", f"the record {reason}")])


def _text(at_ms: int) -> str:
    return format_time(from_micros(at_ms * 1000))

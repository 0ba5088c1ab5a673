"""How does the log become timelines? The consume handler of the projection.

In: records of the log and of the alerts. Out: stored customers, then the offsets that may be committed. The promise:
each entry is taken once and in order, whatever is delivered again, in whichever batches, and whoever else believes to
own the partition. Steps: read each record -> dead letters -> load each customer -> take -> save over the revision
loaded (who lost loads and takes again) -> offsets. A missing sequence is loss: its partition stops before it until
somebody has looked.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.projection.ledger import Taken, take
from services.projection.records import Arrival, read_arrival
from services.projection.store import TimelineStore
from services.projection.timeline import Entry, service_of
from shared.broker import Publisher, Record, TopicPartition
from shared.contracts.analytics import ALERT_TYPES
from shared.contracts.catalogue import FACT_TYPES
from shared.contracts.envelope import Unreadable
from shared.dead_letters import DeadLetter, dead_letter, set_aside
from shared.telemetry import DUPLICATES, DUPLICATES_THAT_DIFFER, SEQUENCE_GAPS, UNKNOWN_TYPES
from shared.topics import ALERTS, CUSTOMER_EVENTS

log = structlog.get_logger()

NAME = "projection"
KNOWN_TYPES = frozenset((*FACT_TYPES, *ALERT_TYPES))
BREAKER_RECORDS = 100  # in batches at least so large ...
BREAKER_SHARE = 0.9  # ... not more than this may be unreadable
MOST_ATTEMPTS = 5  # of a save that lost against another owner, before the batch is read again
SLICE = 200  # customers taken before others get their turn: heartbeats share the event loop


@dataclass(frozen=True, slots=True)
class Gap:
    """Where the log lacks something: the first record that does not follow on what was taken."""

    offset: int
    customer: str
    producer: str
    expected: int
    found: int

    def __str__(self) -> str:
        return f"{self.producer}/{self.customer} goes on with {self.found} where {self.expected} is expected"


class ProjectionReader:
    """A `Handler` of `customer.events` and `attrition.alerts`."""

    def __init__(self, store: TimelineStore, publisher: Publisher) -> None:
        self._store, self._publisher = store, publisher
        self.gaps: dict[TopicPartition, Gap] = {}  # partitions that stand still

    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        """Nothing is remembered between batches but gaps; those still there are found again."""
        self.gaps = {}
        return {}

    def full(self) -> Collection[TopicPartition]:
        return list(self.gaps)

    def standing_still(self) -> Sequence[str]:
        """Why this process is not ready, in words; empty while every partition moves."""
        return [f"{p.topic}/{p.partition} stands at offset {gap.offset}: {gap}" for p, gap in self.gaps.items()]

    async def handle(self, records: Sequence[Record]) -> Mapping[TopicPartition, int]:
        """Raises what store and publisher raise, and RuntimeError where going on would do harm or leads nowhere."""
        moving = [record for record in records if _place(record) not in self.gaps] if self.gaps else records
        arrivals, letters = _read(moving)
        if len(moving) >= BREAKER_RECORDS and len(letters) > BREAKER_SHARE * len(moving):
            raise RuntimeError(f"{len(letters)} of {len(moving)} records are unreadable: this is no log of ours")
        await self._set_aside(letters)
        await self._take(_by_customer(arrivals))
        return {place: self._next_offset(place, offset) for place, offset in _reached(moving).items()}

    async def _take(self, arrivals: Mapping[str, Sequence[Arrival]]) -> None:
        waiting: Collection[str] = arrivals.keys()
        gaps: dict[str, Taken] = {}
        for attempt in range(MOST_ATTEMPTS):
            taken = await self._taken({customer: arrivals[customer] for customer in waiting})
            await self._set_aside([_letter(arrivals[t.customer.id], *unclear) for t in taken for unclear in t.unclear])
            lost = await self._store.save([t.change for t in taken if t.is_news])
            if attempt == 0:  # later, what was taken before is a copy, too
                await self._compare_copies([t for t in taken if t.copies])
            first_seen = {t.customer.id for t in taken if t.gaps} - gaps.keys()
            gaps = {c: t for c, t in gaps.items() if c not in waiting} | {t.customer.id: t for t in taken if t.gaps}
            waiting = lost | first_seen  # a gap is loss only if it is there at a second look
            if not waiting:
                break
        else:
            raise RuntimeError(f"{len(waiting)} customers were changed by another owner {MOST_ATTEMPTS} times")
        for customer, left in gaps.items():
            self._stop(arrivals[customer], left)

    async def _taken(self, arrivals: Mapping[str, Sequence[Arrival]]) -> list[Taken]:
        customers = await self._store.load(arrivals.keys())
        taken = []
        for number, (customer, those) in enumerate(arrivals.items(), start=1):
            taken.append(take(customers[customer], [arrival.entry for arrival in those]))
            if number % SLICE == 0:
                await asyncio.sleep(0)
        return taken

    async def _set_aside(self, letters: Sequence[DeadLetter]) -> None:
        """Before the entry is stored: afterwards nobody would look at it again. Twice does no harm."""
        if letters:
            await self._publisher.publish([[set_aside(NAME, letter)] for letter in letters])

    async def _compare_copies(self, taken: Sequence[Taken]) -> None:
        for t in taken:
            known = await self._first_copies(t)
            for copy in t.copies:
                DUPLICATES.labels(ALERTS if service_of(copy.producer) == "analytics" else CUSTOMER_EVENTS).inc()
                if known.get(copy.key) != copy:
                    DUPLICATES_THAT_DIFFER.inc()
                    log.error("sequence_content_differs", id=copy.id(t.customer.id))

    async def _first_copies(self, taken: Taken) -> dict[tuple[str, int], Entry]:
        """What was taken under the sequences of the copies; pages are read only if it is not among the newest."""
        known = {entry.key: entry for entry in taken.newest}
        missing = [copy for copy in taken.copies if copy.key not in known]
        found = await self._store.find(taken.customer.id) if missing else None
        if found is not None:
            ids = [ref.id for ref in found[1] if any(map(ref.holds, missing))]
            pages = await self._store.read_pages(ids)
            known |= {entry.key: entry for entries in pages.values() for entry in entries}
        return known

    def _stop(self, arrivals: Sequence[Arrival], taken: Taken) -> None:
        for entry in taken.gaps:
            record = _record_of(arrivals, entry)
            expected = taken.customer.last.get(entry.producer, 0) + 1
            gap = Gap(record.offset, taken.customer.id, entry.producer, expected, entry.sequence)
            SEQUENCE_GAPS.inc()
            log.error("sequence_gap_found", **_coordinates(record), customer_id=gap.customer, producer=gap.producer,
                      expected=gap.expected, found=gap.found)  # fmt: skip
            self.gaps[_place(record)] = min(gap, self.gaps.get(_place(record), gap), key=_offset_of)

    def _next_offset(self, place: TopicPartition, reached: int) -> int:
        gap = self.gaps.get(place)
        return reached if gap is None else gap.offset


def _read(records: Sequence[Record]) -> tuple[list[Arrival], list[DeadLetter]]:
    arrivals, letters = [], []
    for record in records:
        try:
            arrival = read_arrival(record)
        except Unreadable as error:
            letters.append(dead_letter(record, error))
            continue
        if arrival is not None:
            arrivals.append(arrival)
            if arrival.entry.type not in KNOWN_TYPES:
                UNKNOWN_TYPES.inc()
    return arrivals, letters


def _by_customer(arrivals: Sequence[Arrival]) -> dict[str, list[Arrival]]:
    grouped: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        grouped.setdefault(arrival.customer, []).append(arrival)
    return grouped


def _letter(arrivals: Sequence[Arrival], entry: Entry, error: Unreadable) -> DeadLetter:
    return dead_letter(_record_of(arrivals, entry), error)


def _record_of(arrivals: Sequence[Arrival], entry: Entry) -> Record:
    return next(arrival.record for arrival in arrivals if arrival.entry is entry)


def _reached(records: Sequence[Record]) -> dict[TopicPartition, int]:
    last = {(record.topic, record.partition): record.offset for record in records}
    return {TopicPartition(*place): offset + 1 for place, offset in last.items()}


def _place(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def _offset_of(gap: Gap) -> int:
    return gap.offset


def _coordinates(record: Record) -> dict[str, str | int]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}

"""One domain service in memory: its inbox, its store and the log, with the product's own processor and consume loop.

Its decider is of the tests' own: a purchase is recorded and lapses after ten days, a complaint's cause is a grievance,
and whatever stands in `broken` makes it raise.
"""

import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from shared.broker import DatingPublisher, TopicPartition
from shared.consumption import Consumption
from shared.contracts.catalogue import FACT_TYPES
from shared.contracts.envelope import Event, Fact, read_fact, write_fact
from shared.contracts.interaction import ComplaintCauseEstablished
from shared.contracts.protocol import Redrive
from shared.contracts.retention import Basis, GrievanceNoted, Lapsed, Purchase, PurchaseRecorded
from shared.contracts.tick import Tick, read_tick, write_tick
from shared.contracts.values import Defector, UtcTime, format_time
from shared.decider import Cause, Decider, Due, Elapsed, Observed, Received, recorded
from shared.event_store import EventStore
from shared.memory_broker import MemoryBroker, MemoryRecord
from shared.memory_store import MemoryEventStore
from shared.processor import Processor
from shared.settings import TimeSource
from shared.topics import CUSTOMER_EVENTS, dead_letters, inbox, partition_of

F = TypeVar("F", bound=Fact)
SERVICE = "retention"
INBOX = inbox(SERVICE)
LAPSES_AFTER = timedelta(days=10)
UNPUBLISHED_AFTER_S = 60.0
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return NEW_YEAR + timedelta(days=number)


@dataclass(frozen=True, slots=True)
class Bought:
    """The state: what was bought, and when that will have lapsed."""

    amounts: tuple[int, ...] = ()
    lapses_at: UtcTime | None = None


@dataclass
class Rules:
    """`broken`: evidence of the purchases for which deciding raises, until the test repairs it."""

    broken: set[str] = field(default_factory=set)

    def decider(self) -> Decider[Bought]:
        return Decider(SERVICE, "test-1", Bought(), self._decide, _evolve, _due, frozenset({CAUSE_ESTABLISHED}))

    def _decide(self, state: Bought, cause: Cause) -> Sequence[Fact]:
        match cause:
            case Received(Purchase() as purchase, evidence=evidence):
                if evidence in self.broken:
                    raise ValueError(f"no rule for {evidence} after {state.amounts}")
                return [recorded(purchase, PurchaseRecorded)]
            case Observed(ComplaintCauseEstablished(about=about, evidence=evidence)):
                return [GrievanceNoted(about=about, evidence=evidence)]
            case Elapsed():
                return [Lapsed(basis=Basis.SILENCE)]
        return []


CAUSE_ESTABLISHED = ComplaintCauseEstablished.TYPE


def _evolve(state: Bought, fact: Fact, at: datetime) -> Bought:
    match fact:
        case PurchaseRecorded(amount_minor=amount):
            return Bought((*state.amounts, amount), at + LAPSES_AFTER)
        case Lapsed():
            return replace(state, lapses_at=None)
    return state


def _due(state: Bought) -> Due | None:
    return None if state.lapses_at is None else Due(state.lapses_at, "lapse")


def purchase(id_: str, customer: str = "anna", *, on: float = 0, amount: int = 100, **more: Any) -> bytes:
    return event("tenure.purchase.v1", id_, customer, on, {"amount_minor": amount, "currency": "EUR"}, **more)


def redrive(id_: str, customer: str = "anna", *, on: float = 0) -> bytes:
    return event(Redrive.TYPE, id_, customer, on, {}, source="tenure/redrive")


def event(type_: str, id_: str, customer: str, on: float, data: dict[str, Any], **more: Any) -> bytes:
    said = {
        "specversion": "1.0", "id": id_, "source": "shop", "type": type_, "subject": customer,
        "time": format_time(day(on)), "data": data,
    }  # fmt: skip
    return json.dumps(said | more).encode()


def complaint_cause(customer: str = "anna", sequence: int = 1, *, on: float = 0) -> bytes:
    """A fact of interaction that is a cause for this service."""
    data = ComplaintCauseEstablished(complaint="late", about=Defector.SERVICE, evidence="shop|complaint")
    return write_fact(
        Event(
            "interaction", customer, sequence, sequence, sequence, day(on), f"shop|complaint-{sequence}", None,
            f"shop|complaint-{sequence}", None, CAUSE_ESTABLISHED, data,
        )
    )  # fmt: skip


class Deployment:
    """`now` is the broker's clock and the store's."""

    def __init__(self, *, time: TimeSource = TimeSource.WALL, partitions: int = 1, snapshot_every: int = 32) -> None:
        self.time, self.partitions, self.snapshot_every = time, partitions, snapshot_every
        self.now = NEW_YEAR
        self.rules = Rules()
        self.broker = MemoryBroker(clock=lambda: self.now.timestamp())
        for topic in (INBOX, CUSTOMER_EVENTS):
            self.broker.create_topic(topic, partitions)
        self.broker.create_topic(dead_letters(SERVICE), 1)
        self.store = MemoryEventStore(clock=lambda: self.now.timestamp())

    async def owner(self, name: str = "a", **parts: Any) -> "Member":
        """The one member of the group from now on; who was it before does not know yet."""
        shares = [TopicPartition(topic, n) for topic in (INBOX, CUSTOMER_EVENTS) for n in range(self.partitions)]
        self.broker.assign(SERVICE, {name: shares})
        member = Member(self, name, **parts)
        await member.join()
        return member

    def send(self, *events: bytes | None, customer: str = "anna", on: float | None = None, **more: Any) -> None:
        """Into the inbox, as a channel does it; `on`: the day on the broker's clock."""
        self.now = self.now if on is None else day(on)
        place: dict[str, Any] = {"partition": partition_of(customer, self.partitions), "key": customer.encode()} | more
        for raw in events:
            self.broker.append(INBOX, value=raw, **place)

    def say(self, fact: bytes, customer: str = "anna") -> None:
        """Another service appends to the log."""
        self.broker.append(CUSTOMER_EVENTS, partition_of(customer, self.partitions), customer.encode(), fact)

    def tick(self, on: float, *, partition: int = 0) -> None:
        """The sender of a history: nothing before that day follows."""
        self.broker.append(INBOX, partition, None, write_tick("tenure/gateway", day(on)))

    def others_tick(self, on: float, *services: str, partition: int = 0) -> None:
        for service in services or ("acquisition", "interaction"):
            self.broker.append(CUSTOMER_EVENTS, partition, None, write_tick(f"tenure/{service}", day(on)))

    @property
    def log(self) -> list[str]:
        """What this service put into the log, in order: type in short, and the cause; of ticks the day."""
        return [said for record in self.broker.records(CUSTOMER_EVENTS) if (said := _short(record))]

    def facts(self, customer: str = "anna") -> list[Event]:
        """Of this service in the log, copies included."""
        records = self.broker.records(CUSTOMER_EVENTS)
        events = [read_fact(r.value or b"", FACT_TYPES) for r in records if r.key == customer.encode()]
        return [e for e in events if e.producer == SERVICE]

    def said(self, kind: type[F], customer: str = "anna") -> list[F]:
        """What its facts of this kind say."""
        return [fact.data for fact in self.facts(customer) if isinstance(fact.data, kind)]

    @property
    def letters(self) -> list["Letter"]:
        return [Letter.of(record) for record in self.broker.records(dead_letters(SERVICE))]

    @property
    def committed(self) -> int:
        """Of the first inbox partition."""
        return self.broker.committed(SERVICE).get(TopicPartition(INBOX, 0), 0)

    async def stored(self, customer: str = "anna") -> list[str]:
        """The causes of the commits, in order of sequence."""
        histories = await self.store.load([customer], rules="none")
        return [commit.cause for commit in histories[customer].commits]


@dataclass(frozen=True)
class Letter:
    code: str
    reason: str
    offset: int
    value: bytes | None

    @classmethod
    def of(cls, record: MemoryRecord) -> "Letter":
        headers = dict(record.headers)
        found = json.loads(headers["reason"])
        said = "; ".join(f"{p['path']}: {p['reason']}" for p in found["problems"])
        return cls(found["code"], said, int(headers["offset"]), record.value)


class Member:
    """A process. Marks and snapshots are done when it has read, or lost with `keeps_marks=False`."""

    def __init__(
        self,
        deployment: Deployment,
        name: str,
        *,
        decider: Decider[Bought] | None = None,
        store: EventStore | None = None,
        publisher: DatingPublisher | None = None,
        keeps_marks: bool = True,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.pauses: list[float] = []
        self.stops: list[str] = []
        self._keeps_marks = keeps_marks
        self._background: list[Coroutine[Any, Any, None]] = []
        self.processor = Processor(
            decider or deployment.rules.decider(),
            store or deployment.store,
            publisher or deployment.broker.publisher(),
            partitions=deployment.partitions,
            time=deployment.time,
            now=now or (lambda: deployment.now),
            sleep=self._sleep,
            spawn=self._background.append,
            unpublished_after_s=UNPUBLISHED_AFTER_S,
            snapshot_every=deployment.snapshot_every,
        )
        self.consumption = Consumption(self.processor, sleep=self._sleep, stop=self.stops.append, now=lambda: 0.0)
        self.position = deployment.broker.member(SERVICE, name)

    async def join(self) -> None:
        self.position.rejoin()
        await self.consumption.assigned(self.position, self.position.assignment())
        await self._do_background()

    async def read(self, most: int = 100) -> int:
        """One batch; answers how many records it had."""
        records = await self.position.fetch(most)
        await self.consumption.deliver(self.position, records)
        await self._do_background()
        return len(records)

    async def read_all(self, most: int = 100) -> None:
        """Until nothing new comes: what it publishes comes back to it, too."""
        while not self.stops and await self.read(most):
            pass

    async def sweep(self) -> None:
        async def work() -> dict[TopicPartition, int]:
            await self.processor.sweep()
            return {}

        await self.consumption.exclusively(work)
        await self._do_background()

    async def _do_background(self) -> None:
        while self._background:
            work = self._background.pop()
            if self._keeps_marks:
                await work
            else:
                work.close()

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def _short(record: MemoryRecord) -> str | None:
    value = record.value or b""
    if isinstance(tick := read_tick(value), Tick):
        return None if tick.source != f"tenure/{SERVICE}" or tick.at is None else f"tick {(tick.at - NEW_YEAR).days}"
    fact = read_fact(value, FACT_TYPES)
    if fact.producer != SERVICE:
        return None
    return f"{fact.type.removeprefix('tenure.').removesuffix('.v1')} by {fact.cause.removeprefix('shop|')}"

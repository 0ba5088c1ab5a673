"""A whole deployment in memory: three domain services, analytics and its job for the whole base, two processes each,
which may both believe they own a partition.

The processors, the consume loop, the reader and the core are the product's own; so are the in-memory store and broker.
The scheduler takes one small step of one actor at a time, drawn from the seed: a process goes on, fetches (any
grouping), sweeps, dies, is thought dead while it lives; a rebalance deals partitions anew; what was given up is carried
out late.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from services.acquisition.decider import decider as acquisition
from services.analytics.population.job import PopulationJob
from services.analytics.reader import AttritionReader
from services.interaction.decider import decider as interaction
from services.interaction.policy import Policy as Standards
from services.retention.decider import decider as retention
from services.retention.policy import Policy as Bases
from services.retention.policy import Silence
from shared.broker import Handler, Record, TopicPartition
from shared.consumption import Consumption
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.tick import write_tick
from shared.decider import Decider
from shared.memory_broker import MemoryBroker
from shared.memory_checkpoints import MemoryCheckpoints
from shared.memory_store import MemoryEventStore
from shared.processor import Processor
from shared.settings import TimeSource
from shared.topics import CUSTOMER_EVENTS, POPULATION, TOPICS, inbox, partition_of
from tests.simulation.faults import Chance, FaultyPublisher, FaultyStore
from tests.simulation.history import START, Sent, ticks
from tests.simulation.member import Member
from tests.simulation.rules import RULES
from tests.simulation.stepping import no_sleep, pause, run

DAY = 86_400.0
GRID = 6 * 3600 * 1_000_000  # micros
GRACE_S = 5.0  # a commit unpublished for longer is the sweep's
DECIDERS: dict[str, Decider[Any]] = {
    "acquisition": acquisition(),
    "interaction": interaction(Standards(acknowledge_days=2, resolve_days=5)),
    "retention": retention(Bases(default=Silence(days=15))),
}


@dataclass
class Wiring:
    """How the parts are put together; a test that takes one safeguard away changes it here."""

    fence: bool = True
    cause_index: bool = True
    faulty_store: type[FaultyStore] = FaultyStore
    processor: type[Processor[Any]] = Processor
    consumption: type[Consumption] = Consumption
    reader: type[AttritionReader] = AttritionReader


class World:
    """`file` in the order of its time. Faults are drawn from `chance`."""

    def __init__(
        self,
        file: Sequence[Sent],
        *,
        partitions: int,
        rng: Random,
        chance: Chance,
        wiring: Wiring,
        history: bool = True,
    ) -> None:
        self.file, self.partitions, self.rng, self.chance, self.wiring = file, partitions, rng, chance, wiring
        self.history = history
        self.now = START.timestamp()
        self.problems: list[str] = []
        self.hidden: dict[str, Counter[Record]] = defaultdict(Counter)  # by group: left out of a fetch, how often
        self.broker = MemoryBroker(clock=lambda: self.now, pause=pause)
        for topic in TOPICS:
            self.broker.create_topic(topic.name, partitions if topic.keyed else 1)
        self.stores = {service: self._make_store() for service in DOMAIN_SERVICES}
        self.checkpoints = MemoryCheckpoints(pause=pause)
        self.waiting: list[Sent] = []  # in wall time: not sent yet
        self.fast: set[Sent] = set()  # sent by a producer whose clock is a year ahead, and whose record times are taken
        self.members: list[Member] = []
        for group in (*DOMAIN_SERVICES, "analytics", "analytics-population"):
            self.rebalance(group, ["a"])
            self.members += [Member(self, group, "a"), Member(self, group, "b")]

    # --- what runs

    def make_handler(self, member: Member) -> Handler:
        publisher = FaultyPublisher(self.broker, self.chance)
        if member.group == "analytics":
            return self.wiring.reader(
                RULES,
                self.checkpoints,
                publisher,
                results=member.results.by_week,
                history=self.history,
                now=self._count,
                grid=GRID,
                save_every_s=3,
            )
        if member.group == "analytics-population":
            return PopulationJob(
                RULES, self.partitions, member.results, publisher, history=self.history, now=self._date
            )
        return self.wiring.processor(
            DECIDERS[member.group],
            self.wiring.faulty_store(self.stores[member.group], self.chance),
            publisher,
            partitions=self.partitions,
            time=TimeSource.HISTORY if self.history else TimeSource.WALL,
            now=self._date,
            sleep=no_sleep,
            spawn=member.spawn,
            unpublished_after_s=GRACE_S,
            snapshot_every=2,
        )

    def _make_store(self) -> MemoryEventStore:
        return MemoryEventStore(
            clock=lambda: self.now, pause=pause, fence=self.wiring.fence, cause_index=self.wiring.cause_index
        )

    def _date(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def _count(self) -> float:
        self.counted = getattr(self, "counted", 0.0) + 1.0
        return self.counted

    def topics_of(self, group: str) -> list[str]:
        own = {"analytics": [CUSTOMER_EVENTS], "analytics-population": [POPULATION]}
        return own[group] if group in own else [inbox(group), CUSTOMER_EVENTS]

    def rebalance(self, group: str, members: Sequence[str]) -> None:
        """Deals the partitions; all topics of a partition go to one member."""
        shares: dict[str, list[TopicPartition]] = {name: [] for name in members}
        for partition in range(1 if group == "analytics-population" else self.partitions):
            owner = self.rng.choice(list(members))
            shares[owner] += [TopicPartition(topic, partition) for topic in self.topics_of(group)]
        self.broker.assign(group, shares)

    # --- what is sent

    def send_history(self, *, twice: bool) -> None:
        """Sorted, with ticks in every inbox partition; a sender that was restarted sends a stretch of it again."""
        stream: list[Sent | float] = []
        waiting = list(ticks())
        for sent in self.file:
            while waiting and waiting[0] <= sent.at:
                stream.append(waiting.pop(0).timestamp())
            stream.append(sent)
        stream += [at.timestamp() for at in waiting]
        if twice:
            start = self.rng.randrange(len(stream))
            end = self.rng.randrange(start, len(stream)) + 1
            stream[end:end] = stream[start:end]
        for item in stream:
            self._append(item)

    def send_in_time(self) -> None:
        """In wall time each event is sent when it happens, or a little later; some of them twice."""
        again = [sent for sent in self.file if self.rng.random() < 0.2]
        self.waiting = sorted([*self.file, *again], key=lambda sent: (sent.at, sent.id))

    def _send_next(self) -> None:
        sent = self.waiting.pop(0)
        lag = self.rng.choice((0.0, 1.0, 2 * DAY))
        self.now = max(self.now, sent.at.timestamp() + lag)
        self._append(sent)

    def _append(self, item: Sent | float) -> None:
        if isinstance(item, Sent):
            partition, now = partition_of(item.customer, self.partitions), self.now
            self.now += 365 * DAY * (item in self.fast)
            self.broker.append(inbox(item.owner), partition, item.customer.encode(), item.raw)
            self.now = now
            return
        at = START + timedelta(seconds=item - START.timestamp())
        for service in DOMAIN_SERVICES:
            for partition in range(self.partitions):
                self.broker.append(inbox(service), partition, None, write_tick("tenure/gateway", at))

    # --- the course of things

    def run(self, steps: int) -> None:
        """So many small steps, with faults."""
        for _ in range(steps):
            self.now += 0.01
            if self.waiting and self.rng.random() < 0.05:
                self._send_next()
            elif self.chance.late and self.rng.random() < 0.05:
                self._late()
            elif self.chance.budget > 0 and self.rng.random() < 0.02:
                self._disturb()
            elif not self.rng.choice(self.members).step() and not any(member.task for member in self.members):
                self.now += 1

    def settle(self) -> None:
        """No more faults: what is late arrives, whoever still owns something stale finds out, everything is read and
        swept."""
        self.chance.budget = 0
        while self.chance.late:
            self._late()
        while self.waiting:
            self._send_next()
        self._settle()
        if not self.history:
            for _ in range(6):  # time goes on, and nothing comes any more
                self.now += 5 * DAY
                for member in self.members:
                    if isinstance(member.handler, Processor):
                        run(member.consumption.exclusively(member.handler.tick))
                self._settle()

    def _settle(self) -> None:
        idle = 0
        while idle < 3:
            moved = False
            for member in self.members:
                for _ in range(10_000):
                    if not self._finish(member):
                        break
                    moved = True
                if self.problems:
                    return
            self.now += 2 * GRACE_S
            for member in self.members:
                for work in _tasks(member.handler):
                    run(member.consumption.exclusively(work))
            idle = 0 if moved else idle + 1

    def _finish(self, member: Member) -> bool:
        if member.joined != self.broker.group(member.group).generation and member.task is None:
            member.joined = self.broker.group(member.group).generation
            run(member.join())
            return True
        return member.step()

    def _late(self) -> None:
        which = self.rng.randrange(len(self.chance.late))
        if not self.chance.late[which]():
            del self.chance.late[which]

    def _disturb(self) -> None:
        self.chance.budget -= 1
        victim = self.rng.choice(self.members)
        if self.rng.random() < 0.5:  # dies where it stands, and comes back with nothing in memory
            victim.die()
            self.members[self.members.index(victim)] = Member(self, victim.group, victim.name)
        self.rebalance(victim.group, self.rng.choice((["a"], ["b"], ["a", "b"])))

    # --- what came out

    def live_reader(self) -> dict[int, Any]:
        """Partition -> analytics' state, of its owner."""
        readers = [
            m.handler for m in self.members if isinstance(m.handler, AttritionReader) and m.consumption._position
        ]
        return {n: p for reader in readers for n, p in reader.partitions.items()}


def _tasks(handler: Handler) -> list[Callable[[], Any]]:
    """What a process does now and then."""
    if isinstance(handler, AttritionReader):
        return [handler.proceed, handler.save]
    if isinstance(handler, PopulationJob):
        return [handler.look]
    assert isinstance(handler, Processor)
    return [handler.sweep]

"""A process of the simulated deployment: it goes on, fetches, sweeps, joins and dies, one small step at a time."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from services.analytics.population.results import Results
from services.analytics.reader import AttritionReader
from shared.broker import Handler, TopicPartition
from shared.consumption import Consumption
from shared.contiguity import READINGS
from shared.memory_broker import MemoryReader
from shared.processor import Processor
from shared.topics import POPULATION
from tests.simulation.rules import RULES
from tests.simulation.stepping import Task, no_sleep, run

if TYPE_CHECKING:
    from tests.simulation.world import World

BASE = TopicPartition(POPULATION, 0)


@dataclass
class Member:
    """A process: one member of one group."""

    world: "World"
    group: str
    name: str
    results: Results = field(init=False)  # of analytics: what it has followed of the topic that is read whole
    handler: Handler = field(init=False)
    consumption: Consumption = field(init=False)
    position: MemoryReader = field(init=False)
    task: Task | None = None
    background: list[Task] = field(default_factory=list)
    joined: int = -1  # generation of the group that it knows of

    def __post_init__(self) -> None:
        self.results = Results(RULES)
        self.handler = self.world.make_handler(self)
        self.consumption = self.world.wiring.consumption(
            self.handler, sleep=no_sleep, stop=self.world.problems.append, now=lambda: 0.0
        )
        self.position = self.world.broker.member(self.group, self.name)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.background.append(Task(work))

    def step(self) -> bool:
        """One small step. False: there was nothing to do."""
        rng = self.world.rng
        self.background = [task for task in self.background if not task.done]
        if self.background and (self.task is None or rng.random() < 0.2):
            rng.choice(self.background).step()
            return True
        if self.task is None:
            self.task = self._begin()
        if self.task is None:
            return False
        self.task.step()
        if self.task.done:
            self.task = None
        return True

    def _begin(self) -> Task | None:
        rng, generation = self.world.rng, self.world.broker.group(self.group).generation
        if self.joined != generation and (self.joined < 0 or rng.random() < 0.4):
            self.joined = generation
            return Task(self.join())
        if rng.random() < 0.05 and isinstance(self.handler, Processor):
            work = self.handler.sweep if self.world.history or rng.random() < 0.5 else self.handler.tick
            return Task(self.consumption.exclusively(work))
        if self._has_news() and rng.random() < 0.3:
            return Task(self._hear())
        fetched: list[Any] = []
        run(self._fetch(fetched))
        if fetched:
            return Task(self.consumption.deliver(self.position, fetched))
        return Task(self._hear()) if self._has_news() else None

    def _has_news(self) -> bool:
        """Of the whole base, for a process of analytics."""
        is_analytics = self.group.startswith("analytics")
        return is_analytics and self.results.next_offset < self.world.broker.highwater(BASE)

    async def _hear(self) -> None:
        news = self.world.broker.read(BASE, self.results.next_offset, self.world.rng.choice((1, 3, 40)))
        if self.results.take(news) and isinstance(self.handler, AttritionReader):
            await self.consumption.exclusively(self.handler.proceed)

    async def _fetch(self, into: list[Any]) -> None:
        """A broker may show a record later than the one behind it: then the reader is past it when it appears. Who has
        looked `READINGS` times takes it for missing, so by then it is there."""
        into += await self.position.fetch(self.world.rng.choice((1, 2, 3, 7, 40)))
        behind = [r for r, after in pairwise(into) if (r.topic, r.partition) == (after.topic, after.partition)]
        often = self.world.hidden[self.group]
        hidden = [r for r in behind if often[r] < READINGS - 1]
        if hidden and self.world.chance.strikes():
            record = self.world.rng.choice(hidden)
            often[record] += 1
            into.remove(record)

    async def join(self) -> None:
        await self.consumption.revoked()
        self.position.rejoin()
        await self.consumption.assigned(self.position, self.position.assignment())

    def die(self) -> None:
        for task in (self.task, *self.background):
            if task is not None and not task.done:
                task.kill()

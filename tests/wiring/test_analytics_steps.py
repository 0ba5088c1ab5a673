"""A process of analytics that is broken off between any two of its steps: nothing is lost, and nothing is said in other
words.

Every step of broker and store is such a place, one after the other: it dies there, or what it asks for there fails.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain, count

import pytest
from structlog.testing import capture_logs

from services.analytics.partition import Partition
from services.analytics.population.part import Result
from services.analytics.reader import AttritionReader
from shared.broker import PublishUnknown, TopicPartition
from shared.consumption import Consumption
from shared.memory_broker import MemoryBroker, MemoryRecord
from shared.memory_checkpoints import MemoryCheckpoints
from shared.topics import ALERTS, CUSTOMER_EVENTS, POPULATION, RISK, dead_letters
from tests.simulation.rules import RULES
from tests.stories import contact, numbered, purchase, ticks, told
from tests.wiring.breaking import Died, Steps
from tests.wiring.whole_base import Base

LOG_0 = TopicPartition(CUSTOMER_EVENTS, 0)
SAID_ON = (ALERTS, RISK, POPULATION)
BATCH = 3


def week_of(number: int) -> list[MemoryRecord]:
    """One customer buys every week, the other one is heard of and gone after the second."""
    facts = [told("retention", "stays", (7 * number + 1, purchase(1999)), first=number + 1)]
    facts += [told("retention", "goes", (7 * number + 1, purchase(1999)), first=number + 1)] if number < 2 else []
    facts += [told("interaction", "goes", (7 * number + 3, contact()), first=number + 1)] if number < 2 else []
    return [*chain(*facts), *ticks(7 * number + 7.5)]


LOG = numbered([*chain(*map(week_of, range(4))), *ticks(40)])


async def no_sleep(_: float) -> None:
    return


async def cancelled(_: float) -> None:
    raise asyncio.CancelledError


class Deployment:
    """The log, all of it, and what analytics has made of it."""

    def __init__(self, steps: Steps, results: Mapping[int, Result], *, history: bool) -> None:
        self._results, self._history = results, history
        self.broker = MemoryBroker(clock=lambda: 0.0, pause=steps)
        for name in (CUSTOMER_EVENTS, *SAID_ON, dead_letters("analytics")):
            self.broker.create_topic(name, 1)
        for r in LOG:
            self.broker.append(CUSTOMER_EVENTS, 0, r.key, r.value)
        self.checkpoints = MemoryCheckpoints(pause=steps)

    async def work(self, sleep: Callable[[float], Awaitable[None]] = no_sleep) -> None:
        """A process that begins with nothing in memory, to the end of the log. `sleep`: after what has failed."""
        reader = AttritionReader(
            RULES,
            self.checkpoints,
            self.broker.publisher(),
            results=self._results,
            history=self._history,
            now=count().__next__,
            save_every_s=2,
        )
        self._consumption = consumption = Consumption(reader, sleep=sleep, stop=pytest.fail)
        self._last_save = reader.save
        position = self.broker.join("analytics", "a", [CUSTOMER_EVENTS])
        with capture_logs():  # tracebacks of hundreds of failures made on purpose
            await consumption.assigned(position, position.assignment())
            idle = 0
            while idle < 2:  # a save that fails brings back what it was of
                records = await position.fetch(BATCH)
                await (consumption.deliver(position, records) if records else consumption.exclusively(reader.save))
                idle = 0 if records else idle + 1

    async def leave(self) -> None:
        """What the process saves at last, if it does."""
        await self._consumption.exclusively(self._last_save)

    def said(self) -> Mapping[str, Sequence[bytes | None]]:
        """By topic, each message once, in the order in which they came first."""
        return {topic: list(dict.fromkeys(r.value for r in self.broker.records(topic))) for topic in SAID_ON}

    def committed(self) -> int:
        return self.broker.committed("analytics").get(LOG_0, 0)

    async def saved(self) -> int:
        """Where a process would go on."""
        saved = await self.checkpoints.load(0)
        state = Partition(RULES, history=self._history, number=0, results=self._results, saved=saved)
        return state.next_offset


class Undisturbed:
    """What the log gives where nothing happens: the results of the whole base, what is said, and all steps."""

    def __init__(self, *, history: bool) -> None:
        self.history, base = history, Base(RULES)
        base.take(Partition(RULES, history=history, number=0, results=base.results), LOG)
        self.results, self._steps = base.results, Steps()
        self._deployment = self.deployment(self._steps)

    async def work(self) -> "Undisturbed":
        await self._deployment.work()
        return self

    def deployment(self, steps: Steps) -> Deployment:
        return Deployment(steps, self.results, history=self.history)

    @property
    def said(self) -> Mapping[str, Sequence[bytes | None]]:
        return self._deployment.said()

    @property
    def steps(self) -> list[tuple[int, str]]:
        return list(enumerate(self._steps.done))


@pytest.fixture(params=[True, False], ids=["history", "wall"])
async def undisturbed(request: pytest.FixtureRequest) -> Undisturbed:
    return await Undisturbed(history=request.param).work()


async def test_the_log_gives_several_batches_of_alerts_and_parts(undisturbed: Undisturbed) -> None:
    assert len(undisturbed.said[ALERTS]) > BATCH
    assert len(undisturbed.said[POPULATION]) > BATCH


async def test_wherever_a_process_dies_the_next_one_leaves_what_an_undisturbed_one_would(
    undisturbed: Undisturbed,
) -> None:
    for number, step in undisturbed.steps:
        deployment = undisturbed.deployment(Steps(number))
        with pytest.raises(Died):
            await deployment.work()
        assert deployment.committed() <= await deployment.saved(), f"dead ahead of step {number}, {step}"
        await deployment.work()
        assert undisturbed.said == deployment.said(), f"dead ahead of step {number}, {step}"


async def test_who_is_cancelled_in_the_middle_of_a_step_saves_nothing_of_it(undisturbed: Undisturbed) -> None:
    for number, step in undisturbed.steps:
        deployment = undisturbed.deployment(Steps(number, asyncio.CancelledError))
        with pytest.raises(asyncio.CancelledError):
            await deployment.work()
        await deployment.leave()
        await deployment.work()
        assert undisturbed.said == deployment.said(), f"cancelled in step {number}, {step}"


async def test_who_is_cancelled_after_a_step_has_failed_saves_nothing_of_it(undisturbed: Undisturbed) -> None:
    for number, step in undisturbed.steps:
        if step != "fetch":
            deployment = undisturbed.deployment(Steps(number, PublishUnknown))
            with pytest.raises(asyncio.CancelledError):
                await deployment.work(sleep=cancelled)
            await deployment.leave()
            await deployment.work()
            assert undisturbed.said == deployment.said(), f"step {number}, {step}"


async def test_whatever_fails_the_process_itself_goes_on_to_what_an_undisturbed_one_would_leave(
    undisturbed: Undisturbed,
) -> None:
    for number, step in undisturbed.steps:
        if step != "fetch":  # which is the client's own
            deployment = undisturbed.deployment(Steps(number, PublishUnknown))
            await deployment.work()
            assert undisturbed.said == deployment.said(), f"step {number}, {step}"
            assert deployment.committed() <= await deployment.saved() == len(LOG), f"step {number}, {step}"

"""The life of every process: connect, consume, answer, and leave without losing anything.

In: a function that makes the service out of the platform's settings. Out: an exit code, 0 after a stop that was asked
for, 1 after a failure, 2 when the settings are wrong. At a stop the batch in flight is finished, published and
committed, the group is left, and all that is done within the grace period.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import NoReturn

import structlog
from aiokafka.errors import KafkaError
from fastapi import FastAPI
from faststream.kafka import KafkaBroker
from pydantic import ValidationError

from shared.broker import Handler
from shared.connections import what_is_wrong
from shared.consumption import Consumption, Offsets
from shared.door import Door, door
from shared.health import WAITS, Health, Reads, Watched, waits_for
from shared.kafka import consume, kafka_broker
from shared.kafka_topics import TopicsMissing, check_topics
from shared.memory import settle_memory
from shared.mongo import sentence
from shared.settings import Platform
from shared.startup import WrongSetup, configured
from shared.telemetry import BATCH_FAILURES

log = structlog.get_logger()

GRACE_S = 15.0  # what an orchestrator waits is longer: 30 s in Kubernetes
BATCH_GRACE_S = 9.0  # and DRAIN_S for requests after it
LOOK_EVERY_S = 5.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Every:
    """Work to be done now and then, between two batches; at once when it `rings`, which is cleared ahead of the
    work."""

    seconds: float
    work: Callable[[], Awaitable[Offsets]]
    rings: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Reading:
    """A member of a consumer group: what it reads, and what is done with it. `group` is kept for ever."""

    group: str
    topics: Sequence[str]
    handler: Handler
    max_records: int = 500
    tasks: Sequence[Every] = ()


@dataclass(frozen=True, slots=True)
class Following:
    """A reader of whole topics that is in no group. `at_work` is entered before any group is joined and anybody let in
    at the door, and left when the groups have been."""

    name: str
    topics: Sequence[str]
    reader: Reads
    at_work: Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Service:
    """What a process is made of. `writes`: topics it publishes to, which must be there; `unready`: its own reasons."""

    readings: Sequence[Reading] = ()
    followings: Sequence[Following] = ()
    app: FastAPI | None = None
    writes: Sequence[str] = ()
    unready: Callable[[], Sequence[str]] = list

    @property
    def topics(self) -> list[str]:
        read = [*(r.topics for r in self.readings), *(f.topics for f in self.followings)]
        return [*dict.fromkeys([*self.writes, *chain.from_iterable(read)])]


@dataclass(frozen=True, slots=True)
class Member:
    """A reading as a member of its group: what it does beside reading, and how it is driven and observed."""

    tasks: Sequence[Every]
    consumption: Consumption
    watched: Watched


Create = Callable[[Platform], AbstractAsyncContextManager[Service]]


class Ending:
    """Whether the process is to end, and why."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.failed = False

    def ask(self, reason: str) -> None:
        if not self.asked.is_set():
            log.info("stop_requested", reason=reason)
            self.asked.set()

    def fail(self, reason: str) -> None:
        log.error("process_failed", reason=reason)
        self.failed = True
        self.asked.set()

    async def pause(self, seconds: float) -> None:
        """Sleeps, but not beyond the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.asked.wait()

    async def pause_until(self, rings: asyncio.Event, seconds: float) -> None:
        """Sleeps, but not beyond the end, nor when it rings."""
        waits = [asyncio.create_task(event.wait()) for event in (self.asked, rings)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def main(name: str, create: Create) -> NoReturn:
    """What `python -m services.<name>` does."""
    platform = configured(name)
    sys.exit(asyncio.run(run(name, create, platform)))


async def run(name: str, create: Create, platform: Platform) -> int:
    """Until a signal or a failure; answers the exit code."""
    ending = Ending()
    health = Health(stalled_after_s=platform.deployment.max_poll_interval_ms / 1000)
    WAITS.set(health.waits)
    with _signals(ending):
        try:
            async with door(name, health, platform.host, platform.port) as entrance:
                await _guided(_live(create, platform, ending, health, entrance), ending, health)
        except ValidationError as error:  # of the service's own settings
            ending.fail(what_is_wrong(error))
            return 2
        except (OSError, WrongSetup, KafkaError) as error:  # said in a sentence; a bug keeps its traceback
            ending.fail(str(error) or repr(error))
    log.info("process_ended", failed=ending.failed)
    return int(ending.failed)


async def answered(
    what: str, attempt: Callable[[], Awaitable[object]], *, errors: tuple[type[Exception], ...] = (KafkaError, OSError)
) -> None:
    """Tries until a dependency answers, ever more slowly, and says what it waits for, also on /readyz. Any other error
    is raised."""
    wait_s = FIRST_WAIT_S
    while True:
        try:
            await attempt()
            waits_for(what, None)
            return
        except errors as error:
            reason = sentence(error)
            waits_for(what, reason)
            log.warning("waiting", until=f"{what} answers", again_in_s=wait_s, error=reason)
        await asyncio.sleep(wait_s)
        wait_s = min(LONGEST_WAIT_S, 2 * wait_s)


@contextmanager
def _signals(ending: Ending) -> Iterator[None]:
    loop, numbers = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, ending.ask, number.name)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _guided(life: Awaitable[None], ending: Ending, health: Health) -> None:
    """Lets a process live until its end is asked for: what only starts is broken off, what works is given its grace."""
    living, asked = asyncio.ensure_future(life), asyncio.create_task(ending.asked.wait())
    await asyncio.wait({living, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if health.phase == "starting":
        living.cancel()
    health.phase = "stopping"
    _, late = await asyncio.wait({living}, timeout=GRACE_S)
    if late:
        log.error("grace_expired", seconds=GRACE_S)
        sys.stdout.flush()
        os._exit(1)  # a thread or a connection hangs; nothing that waits for it would end
    with suppress(asyncio.CancelledError):
        await living


async def _live(create: Create, platform: Platform, ending: Ending, health: Health, entrance: Door) -> None:
    async with create(platform) as service:
        await answered(
            "Kafka", lambda: check_topics(platform, service.topics), errors=(KafkaError, OSError, TopicsMissing)
        )
        broker = kafka_broker(platform, grace_s=BATCH_GRACE_S)
        members = [_member(broker, reading, platform, ending) for reading in service.readings]
        health.watched.extend(member.watched for member in members)
        try:
            async with AsyncExitStack() as at_work:
                for following in service.followings:  # first: what they know is known before anything is read
                    health.watched.append(Watched(following.name, following.reader, consumption=None))
                    await at_work.enter_async_context(following.at_work())
                try:
                    await broker.start()
                    health.unready = service.unready
                    await _work(service, members, ending, health, entrance)
                finally:
                    await broker.stop()
        finally:
            await entrance.close()


async def _work(service: Service, members: Sequence[Member], ending: Ending, health: Health, entrance: Door) -> None:
    """Returns when the end is asked for and no periodic task is under way."""
    if service.app is not None:
        entrance.open(service.app)
    settle_memory()
    health.phase = None
    log.info("process_started", topics=service.topics)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_watch(health, ending))
        for member in members:
            for task in member.tasks:
                tasks.create_task(_repeat(task, member.consumption, ending))


def _member(broker: KafkaBroker, reading: Reading, platform: Platform, ending: Ending) -> Member:
    async def back_off(seconds: float) -> None:
        BATCH_FAILURES.inc()
        await ending.pause(seconds)

    consumption = Consumption(reading.handler, sleep=back_off, stop=ending.fail)
    reader = consume(
        broker,
        reading.topics,
        group=reading.group,
        consumption=consumption,
        platform=platform,
        max_records=reading.max_records,
    )
    return Member(reading.tasks, consumption, Watched(reading.group, reader, consumption))


async def _repeat(task: Every, consumption: Consumption, ending: Ending) -> None:
    await ending.pause_until(task.rings, task.seconds)
    while not ending.asked.is_set():
        task.rings.clear()
        await consumption.exclusively(task.work)
        await ending.pause_until(task.rings, task.seconds)


async def _watch(health: Health, ending: Ending) -> None:
    """A process that can do no better leaves by itself, where nobody looks at /livez."""
    while not ending.asked.is_set():
        await health.look()
        if reasons := health.dead():
            ending.fail("; ".join(reasons))
        await ending.pause(LOOK_EVERY_S)

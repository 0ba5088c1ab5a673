"""A fit takes long: what goes on beside it, and what becomes of it when the process stops?"""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from deploy.local.servers import free_ports
from services.analytics.app import population_reading
from services.analytics.population.job import Due, PopulationJob
from services.analytics.population.part import Part, Result
from services.analytics.population.results import Results, ResultsFollower
from services.analytics.population.wire import key_of, part_bytes
from services.analytics.rules import Rules
from services.analytics.settings import Settings
from services.analytics.state import WEEK
from shared.broker import Outgoing
from shared.kafka_topics import ensure_topics
from shared.kafka_whole_topic import KafkaTopic
from shared.runtime import Following, Reading, Service
from shared.topics import ALERTS, POPULATION, TOPICS
from tests.platforms import embedded
from tests.wiring.on_kafka import Kafka
from tests.wiring.operators import said_to_operators
from tests.wiring.recording import WITHIN_S, Recording
from tests.wiring.test_runtime import Running, terminate
from tests.wiring.whole_base import FIRST, RULES, Owner, Topic, at, part

IDS = [f"c-{number:02}" for number in range(60)]  # enough for a fit


class Gate:
    """Beside the loop: what is due comes out when the gate is opened."""

    def __init__(self) -> None:
        self.begun, self.opened = asyncio.Event(), asyncio.Event()

    async def __call__(self, due: Due) -> Result | None:
        if (result := due()) is not None:
            self.begun.set()
            await self.opened.wait()
        return result


async def of(event: asyncio.Event) -> None:
    async with asyncio.timeout(WITHIN_S):
        await event.wait()


def base(rules: Rules = RULES) -> list[Part]:
    """Told by two partitions."""
    return [part(0, number, rules=rules, ids=IDS[number::2]) for number in range(2)]


@dataclass
class Process:
    """The job beside another reading, as in analytics."""

    running: Running
    log: Recording
    news: asyncio.Event
    results: Results

    async def stopped(self) -> int:
        terminate()
        return await self.running.ended()


class Threads(ThreadPoolExecutor):
    """Those of the event loop."""

    taken = 0

    def submit(self, *work: Any, **more: Any) -> Future[Any]:
        self.taken += 1
        return super().submit(*work, **more)


class Deployment:
    """On a broker, under rules that nobody else has."""

    def __init__(self, kafka: Kafka) -> None:
        (port,) = free_ports(1)
        self.kafka, self.platform = kafka, kafka.platform.model_copy(update={"port": port})
        self.rules = replace(RULES, name=f"beside-{uuid4().hex}")

    def start(self, gate: Gate) -> Process:
        log, news, results = Recording(), asyncio.Event(), Results(self.rules)
        job = PopulationJob(self.rules, 2, results, self.kafka.publisher, history=True, now=lambda: at(0), aside=gate)
        readings = [
            Reading(self.rules.name, [self.kafka.topic], log),
            Reading(f"{self.rules.name}-population", [POPULATION], job),
        ]
        follower = ResultsFollower(self._topic(), results, ring=news.set)
        following = Following(f"{self.rules.name}-results", [POPULATION], follower, follower.at_work)
        return Process(Running(self.platform, Service(readings, [following])), log, news, results)

    async def with_a_fit_under_way(self) -> tuple[Gate, Process]:
        gate = Gate()
        process = self.start(gate)
        await process.running.ready()
        await self.say(self.rules)
        await of(gate.begun)
        return gate, process

    async def say(self, rules: Rules) -> None:
        parts = [[Outgoing(POPULATION, 0, key_of(p), part_bytes(p))] for p in base(rules)]
        await self.kafka.publisher.publish(parts)

    async def weeks(self) -> list[int]:
        """Of the results in the topic, counted from FIRST, copies and all."""
        found: list[int] = []
        async with self._topic().reading((0,)) as reading:
            while not await reading.caught_up():
                for record in await reading.read():
                    results = Results(self.rules)
                    results.take([record])
                    found += [(week - FIRST) // WEEK for week in results.by_week]
        return found

    def _topic(self) -> KafkaTopic:
        return KafkaTopic(self.platform, POPULATION, partitions=1)


@pytest.fixture
async def deployment(kafka: Kafka) -> Deployment:
    await ensure_topics(kafka.platform, [topic for topic in TOPICS if topic.name in (ALERTS, POPULATION)])
    return Deployment(kafka)


async def test_while_a_fit_is_under_way_the_process_reads_on_in_health_and_then_says_its_result_once(
    deployment: Deployment,
) -> None:
    gate, process = await deployment.with_a_fit_under_way()
    await deployment.kafka.send(b"meanwhile")
    await process.log.until(lambda: process.log.values == [b"meanwhile"])
    answers = [await process.running.get(path) for path in ("/livez", "/readyz")]
    assert [200, 200] == [answer.status_code for answer in answers]
    assert [] == await deployment.weeks()
    gate.opened.set()
    await of(process.news)
    assert 0 == await process.stopped()
    assert [0] == await deployment.weeks()


async def test_a_stop_waits_for_the_fit_under_way_and_its_result_is_said(
    deployment: Deployment,
) -> None:
    gate, process = await deployment.with_a_fit_under_way()
    terminate()
    await process.running.until("/readyz", lambda answer: "stopping" in answer.text)
    for _ in range(20):  # time enough to end for one that did not wait
        assert 200 == (await process.running.get("/livez")).status_code
    gate.opened.set()
    assert (0, [0]) == (await process.running.ended(), await deployment.weeks())


async def test_where_its_rules_have_stood_for_other_figures_a_process_ends_with_a_sentence_and_has_joined_no_group(
    deployment: Deployment,
) -> None:
    await deployment.say(replace(deployment.rules, risk_raise=0.6))
    with said_to_operators() as logs:
        process = deployment.start(Gate())
        assert 1 == await process.running.ended()
    assert [] == process.log.calls
    assert any("other figures have judged this log" in str(entry) for entry in logs)
    assert not any("exc_info" in entry for entry in logs)


async def test_as_the_service_is_made_a_fit_is_found_in_a_thread() -> None:
    topic, threads, results = Topic(), Threads(), Results(RULES)
    asyncio.get_running_loop().set_default_executor(threads)
    topic.say(*base())
    reading = population_reading(embedded("nowhere:1"), Settings(), RULES, results, topic.broker.publisher())
    await reading.handler.handle(topic.broker.records(POPULATION))
    assert (1, [0]) == (threads.taken, topic.weeks())


async def test_a_fit_that_is_broken_off_leaves_nothing_and_whoever_comes_next_says_the_same_bytes() -> None:
    undisturbed, topic, gate = Topic(), Topic(), Gate()
    for one in (undisturbed, topic):
        one.say(*base())
    await Owner(undisturbed).work()
    [result] = undisturbed.results()
    assert result.model is not None
    assert result.model.week == FIRST, "a fit"
    broken_off = asyncio.create_task(Owner(topic, aside=gate).work())
    await of(gate.begun)
    broken_off.cancel()
    with suppress(asyncio.CancelledError):
        await broken_off
    assert [] == topic.results()
    await Owner(topic).work()
    said, again = ([(r.key, r.value) for r in one.broker.records(POPULATION)] for one in (undisturbed, topic))
    assert said == again

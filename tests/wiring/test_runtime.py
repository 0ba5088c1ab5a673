"""A process starts when what it needs answers, works, says how it is, and leaves without losing anything."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from deploy.local.servers import free_ports
from shared.broker import Outgoing, Record, TopicPartition
from shared.kafka_publisher import kafka_publisher
from shared.kafka_topics import ensure_topics
from shared.runtime import Every, Reading, Service, answered, main, run
from shared.settings import Platform
from shared.topics import Topic
from tests.wiring.recording import WITHIN_S, Recording

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def platform(platform: Platform) -> Platform:
    (port,) = free_ports(1)
    return platform.model_copy(update={"port": port})


@pytest.fixture
async def topic(platform: Platform) -> str:
    name = f"topic-{uuid4().hex}"
    await ensure_topics(platform, [Topic(name, "of one test")])
    return name


class Running:
    """A process of this service inside the test; `get` asks it over HTTP."""

    def __init__(self, platform: Platform, service: Service) -> None:
        self.platform, self.left = platform, False

        @asynccontextmanager
        async def create(_: Platform) -> AsyncIterator[Service]:
            yield service
            self.left = True

        self.process = asyncio.create_task(run("retention", create, platform))

    async def get(self, path: str) -> httpx.Response:
        base = f"http://127.0.0.1:{self.platform.port}"
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=WITHIN_S) as client:
            return await client.get(path)

    async def until(self, path: str, true: Callable[[httpx.Response], bool]) -> httpx.Response:
        async with asyncio.timeout(WITHIN_S):
            while True:
                try:
                    if true(answer := await self.get(path)):
                        return answer
                except httpx.ConnectError:
                    await asyncio.sleep(0)

    async def ready(self) -> None:
        await self.until("/readyz", lambda answer: answer.status_code == 200)

    async def ended(self) -> int:
        async with asyncio.timeout(WITHIN_S):
            return await self.process


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def send(platform: Platform, topic: str, value: bytes) -> None:
    async with kafka_publisher(platform) as publisher:
        await publisher.publish([[Outgoing(topic, 0, None, value)]])


def reading(topic: str, handler: Recording, *, group: str = "retention", tasks: Sequence[Every] = ()) -> Reading:
    return Reading(f"{group}-{topic}", [topic], handler, tasks=tasks)


async def test_a_termination_finishes_and_commits_the_batch_in_flight(platform: Platform, topic: str) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slowly(_: Sequence[Record]) -> None:
        begun.set()
        await may_end.wait()

    first, second = Recording(before=slowly), Recording()
    await send(platform, topic, b"in flight")
    process = Running(platform, Service([reading(topic, first)]))
    await begun.wait()
    terminate()
    await process.until("/readyz", lambda answer: "stopping" in answer.text)
    may_end.set()
    assert 0 == await process.ended()
    assert process.left
    await send(platform, topic, b"next")
    process = Running(platform, Service([reading(topic, second)]))
    await second.until(lambda: len(second.values) == 1)
    terminate()
    assert 0 == await process.ended()
    assert ([b"in flight"], [b"next"]) == (first.values, second.values)


async def test_a_process_is_ready_when_its_partitions_are_loaded(platform: Platform, topic: str) -> None:
    loading, loaded = asyncio.Event(), asyncio.Event()

    async def load() -> None:
        loading.set()
        await loaded.wait()

    process = Running(platform, Service([reading(topic, Recording(loading=load))]))
    await loading.wait()
    answer = await process.until("/readyz", lambda answer: "no partitions" in answer.text)
    assert (503, 200) == (answer.status_code, (await process.get("/livez")).status_code)
    loaded.set()
    await process.ready()
    assert 'tenure_batch_seconds_bucket{le="0.005"}' in (await process.get("/metrics")).text
    terminate()
    assert 0 == await process.ended()


async def test_while_kafka_is_away_a_process_is_alive_and_not_ready_and_can_be_stopped(platform: Platform) -> None:
    away = platform.model_copy(update={"kafka": NOWHERE})
    app = FastAPI()
    process = Running(away, Service([reading("customer.events", Recording())], app=app))
    assert 200 == (await process.until("/livez", lambda _: True)).status_code
    answer = await process.get("/v1/customers")
    assert (503, "5") == (answer.status_code, answer.headers["retry-after"])
    assert "starting" in (await process.get("/readyz")).text
    terminate()
    assert 0 == await process.ended()


async def test_the_routes_of_a_service_are_served_beside_its_health(platform: Platform) -> None:
    app = FastAPI()

    @app.get("/v1/clock")
    async def clock() -> dict[str, int]:
        return {"clock": 7}

    process = Running(platform, Service(app=app))
    await process.ready()
    assert {"clock": 7} == (await process.get("/v1/clock")).json()
    assert 200 == (await process.get("/livez")).status_code
    terminate()
    assert 0 == await process.ended()


async def test_periodic_work_is_done_between_batches_and_what_it_completes_is_committed(
    platform: Platform, topic: str
) -> None:
    handler, place, done = Recording(answers=lambda _: {}), TopicPartition(topic, 0), asyncio.Event()

    async def save() -> Mapping[TopicPartition, int]:
        if not handler.values:
            return {}
        done.set()
        return {place: 1}

    await send(platform, topic, b"saved later")
    process = Running(platform, Service([reading(topic, handler, tasks=[Every(0.01, save)])]))
    await done.wait()
    terminate()
    assert 0 == await process.ended()
    again = Recording()
    await send(platform, topic, b"next")
    process = Running(platform, Service([reading(topic, again)]))
    await again.until(lambda: len(again.values) == 1)
    terminate()
    assert (0, [b"next"]) == (await process.ended(), again.values)


async def test_periodic_work_that_is_rung_for_is_done_at_once(platform: Platform, topic: str) -> None:
    rings, done = asyncio.Event(), asyncio.Event()

    async def work() -> Mapping[TopicPartition, int]:
        done.set()
        return {}

    process = Running(platform, Service([reading(topic, Recording(), tasks=[Every(3600, work, rings)])]))
    await process.ready()
    rings.set()
    async with asyncio.timeout(WITHIN_S):
        await done.wait()
    assert not rings.is_set()
    terminate()
    assert 0 == await process.ended()


async def test_topics_with_another_number_of_partitions_end_the_process_with_an_error(platform: Platform) -> None:
    await ensure_topics(platform, [Topic("acquisition.inbox", "of this test")])
    other = platform.model_copy(update={"partitions": platform.partitions + 1})
    assert 1 == await Running(other, Service([reading("acquisition.inbox", Recording())])).ended()


async def test_a_port_that_is_taken_ends_the_process_with_an_error(platform: Platform) -> None:
    with socket.create_server(("127.0.0.1", platform.port)):
        assert 1 == await Running(platform, Service()).ended()


async def test_a_bug_in_periodic_work_is_retried_and_shown(platform: Platform, topic: str) -> None:
    failed = asyncio.Event()

    async def fail() -> NoReturn:
        failed.set()
        raise ZeroDivisionError

    process = Running(platform, Service([reading(topic, Recording(), tasks=[Every(0.01, fail)])]))
    await failed.wait()
    answer = await process.until("/readyz", lambda answer: "failed" in answer.text)
    assert 503 == answer.status_code
    terminate()
    assert 0 == await process.ended()


async def test_a_dependency_is_waited_for_and_other_errors_are_not() -> None:
    attempts: list[int] = []

    async def second_time() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionRefusedError

    await answered("the database", second_time)
    assert 2 == len(attempts)

    async def bug() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await answered("the database", bug)


PROGRAM = """
import sys
from contextlib import asynccontextmanager
from shared.runtime import Reading, Service, main
from tests.wiring.recording import Recording

@asynccontextmanager
async def create(platform):
    yield Service([Reading("alone-" + sys.argv[1], [sys.argv[1]], Recording())])

main("retention", create)
"""


async def test_all_that_a_process_says_is_json_lines_and_a_termination_ends_it_well(
    platform: Platform, topic: str
) -> None:
    settings = {"KAFKA": platform.kafka, "MONGO": "mongodb://unused", "PROFILE": "embedded", "PARTITIONS": "2"}
    environment = {**os.environ, **{f"TENURE_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-c", PROGRAM, topic]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=STDOUT)
    assert process.stdout
    said: list[dict[str, str]] = []
    async with asyncio.timeout(WITHIN_S):
        async for line in process.stdout:
            said.append(json.loads(line))
            if said[-1]["event"] == "process_started":
                process.terminate()
        assert 0 == await process.wait()
    assert ["http_listening", "process_started", "stop_requested", "process_ended"] == [line["event"] for line in said]


def test_wrong_settings_are_said_in_a_sentence_without_the_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENURE_MONGO", "mongodb://me:hunter2@db")
    monkeypatch.delenv("TENURE_KAFKA", raising=False)
    with pytest.raises(SystemExit) as ended:
        main("retention", lambda _: pytest.fail("must not start"))
    said = capsys.readouterr().err
    assert 2 == ended.value.code
    assert "TENURE_KAFKA: Field required" in said
    assert "hunter2" not in said

"""What the tests of the whole chain do with a deployment: send into it, wait until it is quiet, read what came of it.

Quiet is read off the broker: every group has committed up to the end of what it reads. Nothing is asked of a counter.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.context import connect, connect_gateway
from cli.data import CDNOW, STORY
from cli.sending.door import Door
from cli.sending.lines import Line, merge_lines, open_lines, read_lines
from cli.sending.run import Progress, Report, ignore, send_events
from cli.sending.steps import Tick
from cli.topic_reader import read_to_end
from deploy.local.stack import LocalStack
from shared.broker import Record
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.measures import is_of_catalogue
from shared.contracts.tick import read_tick
from shared.topics import ALERTS, CUSTOMER_EVENTS, inbox
from tests.system.interruptions import Interruptions
from tests.system.lives import catalogue, divided

SOURCE = "web-shop"  # of the lines that name none
LOOK_S = 0.1
QUIET_WITHIN_S = 240  # on a machine that does much else; a quiet one needs a tenth
AT_ONCE = 4  # requests to the read API
EXCERPT = datetime(1997, 11, 13, tzinfo=UTC), datetime(1998, 3, 27, tzinfo=UTC)  # customers of the story begin to drift
CATALOGUE_AT = datetime(1998, 2, 10, 9, 3, tzinfo=UTC)  # at which a complaint of the story raises an alert
Goals = dict[str, dict[TopicPartition, int]]  # group -> offsets
T = TypeVar("T")


def until(condition: Callable[[], T], within_s: float, what: str) -> T:
    """The first answer of `condition` that counts as true. Raises TimeoutError, which says what was waited for."""
    deadline = time.monotonic() + within_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:g} s: {what}; the last answer was {answer!r}")
        time.sleep(LOOK_S)
    return answer


def whole_history() -> list[Line]:
    """The CDNOW sample: 6,919 purchases of 2,357 customers in eighteen months."""
    return list(merge_lines(read_lines(open_lines(CDNOW), source=SOURCE)))


def excerpt() -> list[Line]:
    """Four and a half months of the sample and the story: short, and yet some customers drift away. Beside them, every
    other day, somebody whose alert tells in which order two services were heard; it is acknowledged and snoozed by
    turns. A catalogue of measures comes at the very instant at which an event raises an alert."""
    files = (read_lines(open_lines(file), source=SOURCE) for file in (CDNOW, STORY))
    known = [line for line in merge_lines(*files) if EXCERPT[0] <= line.at < EXCERPT[1]]
    planned = [
        line
        for n in range(0, (EXCERPT[1] - EXCERPT[0]).days - 3, 2)
        for line in divided(f"divided-{n:03}", EXCERPT[0] + timedelta(days=n), is_snoozed=n % 4 == 2)
    ]
    return sorted([*known, *planned, catalogue(CATALOGUE_AT)], key=lambda line: line.at)


@dataclass(frozen=True)
class Outcome:
    """What a run came to: the messages of alerts by id, as bytes, and every customer's timeline as the API tells it."""

    alerts: Mapping[str, bytes]
    timelines: Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Chain:
    stack: LocalStack

    def send(
        self,
        lines: Sequence[Line],
        *,
        history: bool = True,
        rate: float | None = None,
        on_progress: Callable[[Progress], None] = ignore,
    ) -> Report:
        """Returns when all are acknowledged; a refused event fails the test."""
        with connect_gateway(self.stack.gateway_url, self.stack.key) as client:
            report = send_events(Door(client), lines, history=history, rate=rate, on_progress=on_progress)
        assert report.complete, report.first_problems
        return report

    def advance(self, to: datetime) -> None:
        """Returns when every inbox knows that nothing before `to` follows."""
        with connect_gateway(self.stack.gateway_url, self.stack.key) as client:
            Door(client).advance(Tick(to, last=True))

    def come_through(self, lines: Sequence[Line], actions: Sequence[Callable[[], object]] = ()) -> "Outcome":
        """What became of a history into which `actions` broke, when all is quiet and every process is up."""
        self.send(lines, on_progress=(interrupting := Interruptions(len(lines), actions)))
        assert interrupting.over
        self.settle()
        assert self.stack.alive()
        return self.outcome(customers_of(lines))

    def settle(self) -> None:
        """Returns when everything there is has been read, decided, shown and judged by whom it concerns."""
        before: Goals = {}
        while (goals := self._goals()) != before:
            for group, goal in goals.items():
                until(partial(self._has_read, group, goal), QUIET_WITHIN_S, f"{group} has read up to {goal}")
            before = goals

    def records(self, *topics: str) -> list[Record]:
        """All there are, in order of offset per partition."""
        read: list[Record] = []
        asyncio.run(read_to_end(self.stack.kafka, topics, read.append))
        return read

    def copies(self, topic: str) -> dict[str, list[bytes]]:
        """Id -> every record with that id, in order."""
        return by_id(self.records(topic))

    def outcome(self, customers: Collection[str]) -> Outcome:
        return Outcome({id_: the_one(copies) for id_, copies in self.copies(ALERTS).items()}, self.timelines(customers))

    def timelines(self, customers: Collection[str], **query: str) -> dict[str, list[dict[str, Any]]]:
        with connect(self.stack.api_url, self.stack.key) as api, ThreadPoolExecutor(AT_ONCE) as threads:
            return dict(zip(customers, threads.map(lambda c: timeline(api, c, **query), customers), strict=True))

    def tenure(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The command, as a person runs it beside this deployment."""
        env = {**os.environ, "TENURE_STATE": str(self.stack.folder.path)}
        command = [sys.executable, "-m", "cli.main", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    def audit(self) -> dict[str, Any]:
        """The books as `tenure audit` has them; fails where they do not balance."""
        done = self.tenure("audit", "--json", "--settle", "60")
        assert done.returncode == 0, done.stdout + done.stderr
        books: dict[str, Any] = json.loads(done.stdout)
        return books

    @contextmanager
    def held(self, service: str) -> Iterator[None]:
        """It stands still, with all it has in hand, until the block ends."""
        self.signal(service, signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(service, signal.SIGCONT)

    def signal(self, service: str, number: signal.Signals) -> None:
        self.stack.folder.processes()[service].signal(number)

    def kill_and_restart(self, service: str, *, await_ready: bool = True) -> None:
        self.stack.kill(service)
        self.stack.start(service, await_ready=await_ready)

    @property
    def _history(self) -> bool:
        return self.stack.deployment.time == "history"

    def _goals(self) -> Goals:
        """Group -> where it will read on when all is done. In wall time ticks come without end, and do not count."""
        records = self.records(*map(inbox, DOMAIN_SERVICES), CUSTOMER_EVENTS, ALERTS)
        ends = _ends(record for record in records if self._history or record.key is not None)
        inboxes = {service: _of(ends, inbox(service)) for service in DOMAIN_SERVICES}
        log = _of(ends, CUSTOMER_EVENTS)
        if self._history:
            return {**inboxes, "analytics": _judged(records), "projection": log | _of(ends, ALERTS)}
        domain = {service: own | log for service, own in inboxes.items()}
        return {**domain, "analytics": log, "projection": log | _of(ends, ALERTS)}

    def _has_read(self, group: str, goal: Mapping[TopicPartition, int]) -> bool:
        done = asyncio.run(_committed(self.stack.kafka, group, goal))
        return all(done[place] >= end for place, end in goal.items())


def timeline(api: httpx.Client, customer: str, **query: str) -> list[dict[str, Any]]:
    """All pages."""
    items: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next": None}
    while True:
        cursor = {"cursor": page["next"]} if page["next"] else {}
        path = f"/v1/customers/{quote(customer, safe='')}/timeline"
        page = api.get(path, params={"limit": "1000", **query, **cursor}).json()
        items += page["items"]
        if page["next"] is None:
            return items


def by_id(records: Collection[Record]) -> dict[str, list[bytes]]:
    """Of CloudEvents with a customer; ticks are left out."""
    found: dict[str, list[bytes]] = {}
    for record in records:
        if record.key is not None and record.value is not None:
            found.setdefault(id_of(record.value), []).append(record.value)
    return found


def id_of(event: bytes) -> str:
    return str(json.loads(event)["id"])


def the_one(copies: Sequence[bytes]) -> bytes:
    assert {copies[0]} == set(copies), f"copies differ: {copies}"
    return copies[0]


def customers_of(lines: Collection[Line]) -> list[str]:
    """Each once, in order of the first event."""
    subjects = dict.fromkeys(str(json.loads(line.body)["subject"]) for line in lines)
    return [subject for subject in subjects if not is_of_catalogue(subject)]


@cache
def undisturbed() -> Outcome:
    """Of the excerpt in a deployment that nobody troubles: what every other run over it has to come to."""
    with tempfile.TemporaryDirectory() as folder, deployment(Path(folder)) as chain:
        lines = excerpt()
        chain.send(lines)
        chain.settle()
        return chain.outcome(customers_of(lines))


@contextmanager
def deployment(folder: Path, *, history: bool = True, **wishes: Any) -> Iterator[Chain]:
    """All services as processes, on ports of their own; all gone when the block ends."""
    with LocalStack(folder, time="history" if history else "wall", free_ports=True, **wishes) as stack:
        yield Chain(stack)


def _ends(records: Iterable[Record]) -> dict[TopicPartition, int]:
    """Behind the last of them, per partition."""
    return {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}


def _of(ends: Mapping[TopicPartition, int], topic: str) -> dict[TopicPartition, int]:
    return {place: end for place, end in ends.items() if place.topic == topic}


def _judged(records: Iterable[Record]) -> dict[TopicPartition, int]:
    """Behind the record by which the clock of a history reached its highest: what follows is held until the next tick.

    In a domain service it is the same, so what it commits of the log says nothing.
    """
    highest: dict[tuple[int, str], tuple[datetime, int]] = {}  # partition, service -> its highest tick, and the place
    for record in records:
        tick = read_tick(record.value or b"") if record.topic == CUSTOMER_EVENTS and record.key is None else None
        if tick is not None and tick.at is not None:
            known = highest.get((record.partition, tick.source))
            if known is None or known[0] < tick.at:
                highest[record.partition, tick.source] = tick.at, record.offset
    ends: dict[TopicPartition, int] = {}
    for (partition, _), (_, offset) in highest.items():
        place = TopicPartition(CUSTOMER_EVENTS, partition)
        ends[place] = max(offset + 1, ends.get(place, 0))
    return ends


async def _committed(address: str, group: str, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    """0 where nothing is. Asked without joining the group."""
    consumer = AIOKafkaConsumer(bootstrap_servers=address, group_id=group, enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign(list(places))
        return {place: await consumer.committed(place) or 0 for place in places}
    finally:
        await consumer.stop()

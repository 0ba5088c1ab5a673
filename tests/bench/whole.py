"""The whole deployment at work: how long does a history take from the first request until it has been judged and shown,
and what does each process use for it?
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import httpx
from prometheus_client.parser import text_string_to_metric_families

from cli.context import connect, connect_gateway
from cli.errors import CliError
from cli.sending.door import Door
from cli.sending.lines import Line
from cli.sending.steps import Tick
from deploy.local.parts import service_of
from deploy.local.stack import LocalStack
from shared.contracts.catalogue import DOMAIN_SERVICES, RECORDED_AS
from shared.contracts.values import parse_time
from shared.topics import ALERTS, CUSTOMER_EVENTS
from tests.bench.load import steps
from tests.bench.log import commits, lengths, records
from tests.bench.usage import Usage, usage_of

IDLE_S = 5.0  # of a deployment with nothing to do
LOOK_S = 0.25  # between two looks; the resolution of the time measured
SAID_EVERY_S = 10.0
STALLED_S = 120.0
SENDER = "sender"
READS = {**dict.fromkeys((*DOMAIN_SERVICES, "analytics"), (CUSTOMER_EVENTS,)), "projection": (CUSTOMER_EVENTS, ALERTS)}

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Share:
    """What all processes of a service did. `events`: those sent; of a domain service the causes it decided, from
    channels, from other services' facts and from the clock. `records`: read from topics. `idle`: share of a core before
    the first event."""

    name: str
    events: int
    records: int | None
    cpu_s: float
    mib: float
    idle: float


@dataclass(frozen=True, slots=True)
class Passage:
    """`sent_s`: until the gateway had acknowledged everything; `seconds`: until everything was judged and shown."""

    events: int
    facts: int  # records of the log, ticks among them
    sent_s: float
    seconds: float
    shares: Sequence[Share]

    @property
    def events_per_s(self) -> float:
        return self.events / self.seconds


def pass_through(stack: LocalStack, lines: Sequence[Line], say: Say) -> Passage:
    """Raises CliError, DoorShut, httpx.HTTPError."""
    with _watched(stack) as watch:
        asleep = _usages(stack)
        time.sleep(IDLE_S)
        before = _usages(stack)
        began = time.monotonic()
        end = _send(stack, watch, lines, say)
        sent_s = time.monotonic() - began
        say(f"  {len(lines):,} events sent in {sent_s:.0f} s; now they are worked off")
        facts = watch.await_end(end)
        seconds = time.monotonic() - began
        after, consumed = _usages(stack), watch.consumed_by_all()
        watch.refuse_incomplete(len(lines))
    decided = commits(records(stack.kafka))
    events = {name: decided[name] if name in DOMAIN_SERVICES else len(lines) for name in after}
    shares = [
        _share(name, events[name], consumed.get(name), (asleep[name], before[name], after[name])) for name in after
    ]
    return Passage(len(lines), facts, sent_s, seconds, shares)


def _send(stack: LocalStack, watch: "Watch", lines: Sequence[Line], say: Say) -> datetime:
    """When the history ends."""
    sent, at, said = 0, lines[0].at, time.monotonic()
    with connect_gateway(stack.gateway_url, stack.key) as client:
        door = Door(client)
        for step in steps(lines):
            if isinstance(step, Tick):
                door.advance(step)
                at = step.to
                watch.refuse_deaths()
            elif refusals := door.send(step.lines):
                raise CliError(f"The gateway refused an event: {refusals[0].reason}.")
            else:
                sent += len(step.lines)
            if time.monotonic() - said > SAID_EVERY_S:
                said = time.monotonic()
                say(f"  {at:%Y-%m-%d}  {sent:,} events sent")
    return at


@contextmanager
def _watched(stack: LocalStack) -> "Iterator[Watch]":
    with connect(stack.api_url, stack.key) as client:
        yield Watch(stack, client)


@dataclass(frozen=True, slots=True)
class Watch:
    """How far is it? Asked rarely and cheaply, for whoever looks takes time from those who work."""

    stack: LocalStack
    client: httpx.Client

    def await_end(self, end: datetime) -> int:
        """Returns when time stands at its end, and every reader of the log has read all of it: the log's length."""
        self._until(self._clock, lambda clock: clock is not None and clock >= end)
        return self._until(self._unread, lambda unread: unread[1] == 0)[0]

    def refuse_deaths(self) -> None:
        if deaths := self.stack.deaths():
            raise CliError(f"{deaths[0].what}. Its log: {deaths[0].log}")

    def refuse_incomplete(self, sent: int) -> None:
        """A figure for less than all of the work would be a wrong one."""
        entries: dict[str, int] = self._get("projection", "/v1/summary").json()["entries"]
        recorded = sum(entries.get(fact.TYPE, 0) for fact in RECORDED_AS.values())
        if recorded != sent:
            raise CliError(f"{sent:,} events were sent and {recorded:,} stand on timelines: nothing was measured.")

    def consumed_by_all(self) -> dict[str, dict[str, int]]:
        return {name: self._consumed(name) for name in READS}

    def _until(self, look: Callable[[], T], done: Callable[[T], bool]) -> T:
        """The first answer that will do. Raises CliError where the answers stand still."""
        answer, changed = look(), time.monotonic()
        while not done(answer):
            self.refuse_deaths()
            if time.monotonic() - changed > STALLED_S:
                raise CliError(f"Nothing has moved for {STALLED_S:.0f} s; the last answer was {answer}.")
            time.sleep(LOOK_S)
            before, answer = answer, look()
            changed = changed if answer == before else time.monotonic()
        return answer

    def _clock(self) -> datetime | None:
        """Everything before it has been judged; none before the first tick. A copy without partitions has none."""
        clocks = [self._get(copy, "/v1/clock").json()["clock"] for copy in self._copies("analytics")]
        return min((parse_time(clock) for clock in clocks if clock is not None), default=None)

    def _unread(self) -> tuple[int, int]:
        """(length of the log, records that some reader has yet to read). The length is asked last: what a reader
        publishes is there before it counts what it has read."""
        consumed = self.consumed_by_all()
        there = lengths(self.stack.kafka, (CUSTOMER_EVENTS, ALERTS), self.stack.deployment.partitions)
        left = (max(0, there[topic] - consumed[name].get(topic, 0)) for name in READS for topic in READS[name])
        return there[CUSTOMER_EVENTS], sum(left)

    def _consumed(self, service: str) -> dict[str, int]:
        """Topic -> records that its processes have read."""
        consumed: Counter[str] = Counter()
        for copy in self._copies(service):
            for family in text_string_to_metric_families(self._get(copy, "/metrics").text):
                for sample in family.samples:
                    if sample.name == "tenure_records_consumed_total":
                        consumed[sample.labels["topic"]] += int(sample.value)
        return dict(consumed)

    def _copies(self, service: str) -> list[str]:
        return [name for name in self.stack.deployment.ports if service_of(name) == service]

    def _get(self, name: str, path: str) -> httpx.Response:
        """Raises CliError where the process refuses, httpx.HTTPError where it does not answer."""
        return self.client.get(self.stack.deployment.url(name) + path)


def _usages(stack: LocalStack) -> dict[str, Usage]:
    """By service, all of its processes together."""
    pids = {name: process.pid for name, process in stack.folder.processes().items()} | {SENDER: os.getpid()}
    used: dict[str, Usage] = {}
    for name, pid in pids.items():
        usage, known = usage_of(pid), used.get(service_of(name), Usage(0.0, 0.0))
        used[service_of(name)] = Usage(known.cpu_s + usage.cpu_s, known.mib + usage.mib)
    return used


def _share(name: str, events: int, consumed: Mapping[str, int] | None, usages: tuple[Usage, Usage, Usage]) -> Share:
    """`usages`: IDLE_S before the work, before it, after it."""
    asleep, before, after = usages
    read = None if consumed is None else sum(consumed.values())
    idle = (before.cpu_s - asleep.cpu_s) / IDLE_S
    return Share(name, events, read, after.cpu_s - before.cpu_s, after.mib, idle)

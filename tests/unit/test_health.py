"""Alive is who makes progress or has nothing to do; ready is who has been given its partitions and does not fail."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka.errors import KafkaConnectionError

from shared.broker import Record, TopicPartition
from shared.consumption import Consumption
from shared.health import TURNS, WAITS, Health, Watched, waits_for
from shared.kafka import Unread

HERE = TopicPartition("customer.events", 3)
STALLED_S = 100.0


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Reading:
    """A reader whose state is what the test says it is."""

    joined: bool = True
    why_broken: str | None = None
    places: dict[TopicPartition, Unread] = field(default_factory=dict)
    away: bool = False

    def broken(self) -> str | None:
        return self.why_broken

    async def unread(self) -> Mapping[TopicPartition, Unread]:
        if self.away:
            raise KafkaConnectionError("no broker")
        return self.places


class Idle:
    """A handler that is never called."""

    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        raise NotImplementedError

    async def handle(self, records: Sequence[Record]) -> Mapping[TopicPartition, int]:
        raise NotImplementedError

    def full(self) -> Collection[TopicPartition]:
        raise NotImplementedError


class Process:
    """A health with one reader."""

    def __init__(self) -> None:
        self.clock, self.reader = Clock(), Reading()
        self.health = Health(stalled_after_s=STALLED_S, now=self.clock)
        self.health.phase = None
        self.consumption = Consumption(Idle(), sleep=asyncio.sleep, stop=print, now=self.clock)
        self.watched = Watched("retention", self.reader, self.consumption)
        self.health.watched.append(self.watched)

    async def passes(self, seconds: float, *, offset: int, lag: int, paused: bool = False) -> None:
        self.clock.now += seconds
        self.reader.places = {HERE: Unread(offset, lag, paused)}
        await self.health.look()


async def test_a_process_that_has_read_everything_is_alive_and_ready() -> None:
    process = Process()
    for _ in range(5):
        await process.passes(STALLED_S, offset=7, lag=0)
    assert ([], []) == (process.health.dead(), process.health.busy())


async def test_records_that_wait_while_none_is_read_mean_death() -> None:
    process = Process()
    await process.passes(0, offset=7, lag=1)
    await process.passes(STALLED_S + 1, offset=7, lag=2)
    assert ["retention: 2 records of customer.events/3 have not been read for 101 s"] == process.health.dead()


async def test_a_reader_that_is_behind_but_reads_is_alive() -> None:
    process = Process()
    for offset in range(5):
        await process.passes(STALLED_S + 1, offset=offset, lag=1_000)
    assert [] == process.health.dead()


async def test_a_partition_whose_turn_has_not_come_is_not_a_stalled_one() -> None:
    process = Process()
    await process.passes(0, offset=7, lag=1)
    process.consumption.batches += 1
    await process.passes(STALLED_S + 1, offset=7, lag=1)
    assert [] == process.health.dead()


async def test_a_partition_that_is_passed_over_again_and_again_means_death() -> None:
    process = Process()
    await process.passes(0, offset=7, lag=1)
    process.consumption.batches += TURNS + 1
    await process.passes(STALLED_S + 1, offset=7, lag=1)
    assert 1 == len(process.health.dead())


async def test_records_that_came_a_moment_ago_are_no_stall_however_long_there_were_none() -> None:
    process = Process()
    await process.passes(0, offset=7, lag=0)
    await process.passes(10 * STALLED_S, offset=7, lag=5)
    assert [] == process.health.dead()


async def test_a_paused_partition_is_not_a_stalled_one() -> None:
    process = Process()
    await process.passes(0, offset=7, lag=1)
    for _ in range(3):
        await process.passes(STALLED_S, offset=7, lag=1, paused=True)
    assert [] == process.health.dead()
    await process.passes(STALLED_S + 1, offset=7, lag=1)
    assert 1 == len(process.health.dead())


async def test_a_batch_that_does_not_end_means_death() -> None:
    process = Process()
    process.consumption.busy_since = process.clock.now
    process.clock.now += STALLED_S
    assert [] == process.health.dead()
    process.clock.now += 1
    assert ["retention: a batch has been running for 101 s"] == process.health.dead()


async def test_a_reader_that_can_never_read_again_means_death() -> None:
    process = Process()
    process.reader.why_broken = "the coordinator of the reader has ended"
    assert ["the coordinator of the reader has ended"] == process.health.dead()


async def test_while_a_process_stops_a_reader_that_has_ended_means_no_death() -> None:
    process = Process()
    process.reader.why_broken = "the coordinator of the reader has ended"
    process.health.phase = "stopping"
    assert ([], ["stopping"]) == (process.health.dead(), process.health.busy())


async def test_a_broker_that_is_away_makes_unready_and_not_dead() -> None:
    process = Process()
    process.reader.away = True
    await process.health.look()
    assert [] == process.health.dead()
    assert "Kafka does not answer" in process.health.busy()[0]
    process.reader.away = False
    await process.health.look()
    assert [] == process.health.busy()


async def test_while_it_starts_a_process_says_what_it_waits_for_and_why() -> None:
    process = Process()
    process.health.phase = "starting"
    WAITS.set(process.health.waits)
    waits_for("Kafka", "b:1 cannot be reached: connection refused")
    waits_for("MongoDB", "refuses us")
    waits_for("MongoDB", None)
    assert ["starting", "Kafka is waited for: b:1 cannot be reached: connection refused"] == process.health.busy()


async def test_a_failed_batch_makes_unready_until_one_succeeds() -> None:
    process = Process()
    process.consumption.failures = 1
    assert ["retention: a batch has failed and is tried again"] == process.health.busy()
    process.consumption.failures = 0
    assert [] == process.health.busy()


async def test_without_an_assignment_a_reader_is_not_ready() -> None:
    process = Process()
    process.reader.joined = False
    assert ["retention: no partitions are assigned and loaded"] == process.health.busy()


async def test_a_service_may_have_reasons_of_its_own() -> None:
    process = Process()
    process.health.unready = lambda: ["a fact is missing from customer.events/3"]
    assert ["a fact is missing from customer.events/3"] == process.health.busy()

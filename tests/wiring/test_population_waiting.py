"""What becomes of a partition that has told its part and waits for the answer?"""

import pytest

from services.analytics.population.part import Part, Result, skipped
from services.analytics.population.wire import key_of, part_bytes, read
from services.analytics.reader import AttritionReader
from services.analytics.state import WEEK
from shared.broker import TopicPartition
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.tick import write_tick
from shared.contracts.values import format_time, from_micros
from shared.memory_broker import MemoryBroker, MemoryRecord
from shared.memory_checkpoints import MemoryCheckpoints
from shared.topics import ALERTS, CUSTOMER_EVENTS, POPULATION, RISK, dead_letters
from tests.stories import fact_bytes, numbered, purchase
from tests.wiring.whole_base import FIRST, RULES

LOG_0 = TopicPartition(CUSTOMER_EVENTS, 0)


class Reading:
    """Analytics over one partition of the log, and the topics it writes to."""

    def __init__(self) -> None:
        self.broker, self.checkpoints = MemoryBroker(), MemoryCheckpoints()
        for name in (ALERTS, RISK, POPULATION, dead_letters("analytics")):
            self.broker.create_topic(name, 1)
        self.results: dict[int, Result] = {}
        self.seconds = 0.0
        self.reader = self.again()

    def again(self) -> AttritionReader:
        """A process that has nothing in memory."""
        self.reader = AttritionReader(
            RULES,
            self.checkpoints,
            self.broker.publisher(),
            results=self.results,
            history=True,
            now=lambda: self.seconds,
        )
        return self.reader

    def parts(self) -> list[Part]:
        return [said for r in self.broker.records(POPULATION) if isinstance(said := read(r.value or b""), Part)]

    def judged(self) -> int:
        """Up to which week after FIRST the log has been judged: of the last part."""
        return (self.parts()[-1].week - FIRST) // WEEK

    def answer(self, week: int, *, one_in: int = 1) -> None:
        self.results[FIRST + week * WEEK] = skipped(RULES, FIRST + week * WEEK, one_in=one_in)


def tick(week: float) -> list[MemoryRecord]:
    now = from_micros(FIRST + int(week * WEEK))
    return [MemoryRecord(CUSTOMER_EVENTS, 0, 0, 0, None, write_tick(f"tenure/{s}", now)) for s in DOMAIN_SERVICES]


def bought(sequence: int, week: float) -> MemoryRecord:
    value = fact_bytes("retention", "c", sequence, purchase(1999), from_micros(FIRST + int(week * WEEK)))
    return MemoryRecord(CUSTOMER_EVENTS, 0, 0, 0, b"c", value)


LOG = numbered([bought(1, -0.5), *tick(0), *tick(0.5), bought(2, 0.9), *tick(1.5), bought(3, 1.6), *tick(2.5)])


@pytest.fixture
async def reading() -> Reading:
    reading = Reading()
    await reading.reader.assigned([0])
    return reading


async def test_a_partition_tells_its_part_and_goes_no_further_than_a_day_without_the_result(reading: Reading) -> None:
    await reading.reader.handle(LOG)
    assert [FIRST] == [said.week for said in reading.parts()]
    assert [LOG_0] == reading.reader.full()


async def test_it_goes_on_when_the_result_is_there_with_what_it_was_given_meanwhile(reading: Reading) -> None:
    await reading.reader.handle(LOG)
    reading.answer(0)
    await reading.reader.proceed()
    assert 1 == reading.judged()
    reading.answer(1)
    await reading.reader.proceed()
    assert 2 == reading.judged()
    assert [1, 1, 1] == [said.customers for said in reading.parts()]


async def test_of_rows_that_are_not_used_any_more_none_is_told(reading: Reading) -> None:
    """Of one in four the only customer is none."""
    await reading.reader.handle(LOG)
    reading.answer(0, one_in=4)
    await reading.reader.proceed()
    first, second = reading.parts()
    assert (1, 1, 1) == (first.one_in, first.customers, len(first.rows))
    assert (4, 1, 0) == (second.one_in, second.customers, len(second.rows))


async def test_with_the_results_at_hand_nobody_waits_and_the_parts_are_the_same(reading: Reading) -> None:
    await reading.reader.handle(LOG)
    for week in range(3):
        reading.answer(week)
        await reading.reader.proceed()
    other = Reading()
    for week in range(3):
        other.answer(week)
    await other.reader.assigned([0])
    await other.reader.handle(LOG)
    assert [] == other.reader.full()
    assert reading.parts() == other.parts()


async def test_what_was_given_and_not_taken_is_not_committed_and_read_again_after_a_death(reading: Reading) -> None:
    await reading.reader.handle(LOG)
    committed = (await reading.reader.save())[LOG_0]
    assert committed < len(LOG)
    starts = await reading.again().assigned([0])
    assert committed == starts[LOG_0]
    await reading.reader.handle(LOG[committed:])
    for week in range(2):
        reading.answer(week)
        await reading.reader.proceed()
    assert [0, 1, 2] == sorted({(said.week - FIRST) // WEEK for said in reading.parts()})
    assert len({key_of(said) for said in reading.parts()}) == len({part_bytes(said) for said in reading.parts()})


async def test_who_starts_again_takes_nothing_before_the_result_in_force_is_known_and_tells_the_same_parts() -> None:
    """Its process may have followed the topic of results less far than the one before it."""
    undisturbed, reading = Reading(), Reading()
    for one in (undisturbed, reading):
        await one.reader.assigned([0])
        await one.reader.handle(LOG[:7])
        one.answer(0, one_in=4)
        await one.reader.proceed()
    await undisturbed.reader.handle(LOG[7:])
    place = (await reading.reader.save())[LOG_0]
    reading.results.clear()
    assert {LOG_0: place} == await reading.again().assigned([0])
    await reading.reader.handle(LOG[place:])
    assert ([LOG_0], 0) == (reading.reader.full(), reading.judged())
    reading.answer(0, one_in=4)
    await reading.reader.proceed()
    assert 1 == reading.judged()
    assert [part_bytes(said) for said in undisturbed.parts()] == [part_bytes(said) for said in reading.parts()]


async def test_what_cannot_be_read_among_what_waited_is_set_aside(reading: Reading) -> None:
    spoilt = MemoryRecord(CUSTOMER_EVENTS, 0, 0, 0, b"c", b"not a fact")
    log = numbered([*LOG[:4], *tick(0.5), spoilt, *LOG[7:]])
    await reading.reader.handle(log)
    assert [] == reading.broker.records(dead_letters("analytics"))
    reading.answer(0)
    await reading.reader.proceed()
    assert [b"not a fact"] == [r.value for r in reading.broker.records(dead_letters("analytics"))]
    assert 1 == reading.judged()


async def test_what_has_been_waited_for_for_long_is_said(reading: Reading) -> None:
    await reading.reader.handle(LOG)
    reading.seconds = 59
    assert [] == reading.reader.waits()
    reading.seconds = 60
    week = format_time(from_micros(FIRST))
    assert [f"partition 0 waits for the result of the whole base as of {week}"] == reading.reader.waits()
    reading.answer(0)
    await reading.reader.proceed()
    assert [] == reading.reader.waits()

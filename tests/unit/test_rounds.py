"""The order of one partition: what may be decided next, and what may be committed once it is."""

import re
from dataclasses import dataclass

import pytest

from shared.broker import TopicPartition
from shared.contracts.catalogue import DOMAIN_SERVICES, FACT_TYPES, inbox_types
from shared.contracts.envelope import read_fact
from shared.contracts.tick import write_tick
from shared.inbox import InboxItem, InboxReader, Put, Tick
from shared.memory_broker import MemoryRecord
from shared.rounds import PartitionRounds, Turn
from shared.settings import TimeSource
from shared.topics import CUSTOMER_EVENTS
from tests.wiring.deciding import INBOX, SERVICE, complaint_cause, day, purchase

IN, LOG = TopicPartition(INBOX, 0), TopicPartition(CUSTOMER_EVENTS, 0)


@dataclass
class Feed:
    """A partition, and what is read into it."""

    rounds: PartitionRounds
    time: TimeSource
    inbox: int = 0
    log: int = 0

    def event(self, id_: str) -> None:
        self._put(self._record(b"anna", purchase(id_)))

    def tick(self, on: float) -> None:
        self._put(self._record(None, write_tick("tenure/gateway", day(on)), on))

    def fact(self, sequence: int, on: float) -> None:
        raw = complaint_cause(sequence=sequence, on=on)
        self.rounds.read_log_to(self.log + 1)
        record = MemoryRecord(CUSTOMER_EVENTS, 0, self.log, 0, b"anna", raw)
        self.rounds.put_fact(self.log, read_fact(raw, FACT_TYPES), record)
        self.log += 1

    def ticks(self, on: float, *services: str) -> None:
        for service in services or DOMAIN_SERVICES:
            self.rounds.read_log_to(self.log + 1)
            self.rounds.put_tick(self.log, service, day(on))
            self.log += 1

    def take(self) -> Turn:
        turn = self.rounds.take()
        assert turn is not None, "there is something to do"
        return turn

    def _record(self, key: bytes | None, raw: bytes, on: float = 0) -> MemoryRecord:
        return MemoryRecord(INBOX, 0, self.inbox, int(day(on).timestamp() * 1000), key, raw)

    def _put(self, record: MemoryRecord) -> None:
        reader = InboxReader(inbox_types(SERVICE), partitions=1, time=self.time)
        self.rounds.put(self.inbox, reader.read(record))
        self.inbox += 1


def causes(turn: Turn) -> list[str]:
    """Events by id, facts by sequence, ticks by day of the month."""
    return [_short(item) for item in turn.items]


def _short(item: InboxItem) -> str:
    match item:
        case Put(question):
            return re.split(r"[|/]", question.cause_id)[-1]
        case Tick(at):
            return f"tick {at.day - 1}"
    raise AssertionError("good records only")


@pytest.fixture
def wall() -> Feed:
    return Feed(PartitionRounds(0, IN, LOG, TimeSource.WALL), TimeSource.WALL)


@pytest.fixture
def history() -> Feed:
    return Feed(PartitionRounds(0, IN, LOG, TimeSource.HISTORY), TimeSource.HISTORY)


@pytest.mark.parametrize("time", TimeSource)
def test_where_there_is_nothing_there_is_no_turn(time: TimeSource) -> None:
    assert PartitionRounds(0, IN, LOG, time).take() is None


def test_in_wall_time_facts_come_as_they_are_read_and_all_may_be_committed(wall: Feed) -> None:
    wall.fact(2, on=9)
    wall.fact(1, on=1)
    wall.event("a")
    turn = wall.take()
    assert ["2", "1", "a"] == causes(turn)
    assert {IN: 1, LOG: 2} == turn.done


def test_a_turn_ends_with_a_tick(wall: Feed) -> None:
    wall.event("a")
    wall.tick(1)
    wall.event("b")
    assert [["a", "tick 1"], ["b"]] == [causes(wall.take()), causes(wall.take())]


def test_in_history_what_stands_behind_a_tick_waits_for_all_three(history: Feed) -> None:
    history.event("a")
    history.tick(2)
    history.event("b")
    turn = history.take()
    assert (["a", "tick 2"], {IN: 1}) == (causes(turn), turn.done)
    for service in DOMAIN_SERVICES:
        assert history.rounds.take() is None
        history.ticks(2, service)
    turn = history.take()
    assert (["b"], 3) == (causes(turn), turn.done[IN])


def test_a_higher_tick_of_another_service_will_do(history: Feed) -> None:
    history.tick(2)
    history.take()
    history.ticks(3)
    assert {IN: 1} == {IN: history.take().done[IN]}


def test_facts_before_a_tick_come_sorted_by_time_and_sequence_and_later_ones_are_kept(history: Feed) -> None:
    history.tick(5)
    history.take()
    for sequence, on in ((4, 5), (3, 2), (1, 1), (2, 2)):
        history.fact(sequence, on)
    history.ticks(5)
    turn = history.take()
    assert ["1", "2", "3"] == causes(turn)
    assert {day(5)} == {item.question.cause.at for item in turn.items if isinstance(item, Put)}
    assert 0 == turn.done[LOG]  # the one that is kept stands there
    history.tick(6)
    history.take()
    history.ticks(6)
    assert ["4"] == causes(history.take())


def test_the_log_is_never_committed_past_the_newest_tick_of_a_service(history: Feed) -> None:
    history.ticks(1)
    history.fact(1, on=0.5)
    history.tick(1)
    assert 0 == history.take().done[LOG]


def test_a_copy_of_a_tick_and_an_older_one_change_nothing(history: Feed) -> None:
    history.ticks(3)
    history.ticks(3)
    history.ticks(2)
    history.tick(3)
    assert 0 == history.take().done[LOG]


def test_nothing_of_the_log_is_committed_before_all_three_have_ticked_once(history: Feed) -> None:
    history.fact(1, on=1)
    history.ticks(2, "acquisition", "interaction")
    assert history.rounds.take() is None

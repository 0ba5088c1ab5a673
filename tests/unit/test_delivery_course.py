"""A reader gets what stands on the topic, all of it and once, wherever it comes from and meets the others."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from services.delivery.course import Course
from services.delivery.place import Place, reaches, read_place
from services.delivery.recent import Recent
from services.delivery.wanted import EVERYTHING, Wanted
from shared.memory_broker import MemoryBroker
from shared.topics import ALERTS
from tests.unit.delivery import event_fields

PARTITIONS = 3
SEGMENTS = ("private", "trade")
ROUNDS = 100  # more than there are records
A_SEGMENT = Wanted(segments=frozenset({"trade"}))

partitions, counts = st.integers(0, PARTITIONS - 1), st.integers(1, 4)
actions = st.one_of(
    st.tuples(st.just("write"), partitions, st.sampled_from(SEGMENTS)),
    st.tuples(st.just("shared"), st.integers(0, 1), partitions, counts),
    st.tuples(st.just("alone"), partitions, counts),
    st.just(("live",)),
    st.tuples(st.just("cut"), st.integers(0, 1)),
)
histories = st.lists(actions, min_size=20, max_size=80)  # of a few actions little comes
sizes = st.sampled_from((1, 2, 4, 12))


class Topic:
    def __init__(self) -> None:
        self.broker = MemoryBroker(clock=lambda: 0.0)
        self.broker.create_topic(ALERTS, PARTITIONS)
        self._tps = self.broker.partitions(ALERTS)

    @property
    def end(self) -> Place:
        return tuple(map(self.broker.highwater, self._tps))

    def write(self, partition: int, segment: str) -> None:
        said = {"type": "alert", "partition": partition, "number": self.end[partition], "data": {"segment": segment}}
        self.broker.append(ALERTS, partition, b"key", json.dumps(said).encode())

    def read(self, partition: int, offset: int, count: int) -> Sequence[Any]:
        return self.broker.read(self._tps[partition], offset, count)

    def wanted(self, partition: int, wanted: Wanted) -> list[bytes]:
        values = [record.value or b"" for record in self.broker.records(ALERTS, partition)]
        return [v for v in values if not wanted.segments or json.loads(v)["data"]["segment"] in wanted.segments]


@dataclass
class Alone:
    """What is read for one reader from the topic itself."""

    place: list[int]
    goal: Place


@dataclass
class World:
    """Two processes, each reading the partitions in an order of its own, and one reader that goes between them."""

    wanted: Wanted
    kept: int
    topic: Topic = field(default_factory=Topic)
    got: list[list[bytes]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])

    def __post_init__(self) -> None:
        self.processes = [Recent((0,) * PARTITIONS, max_messages=self.kept, max_bytes=10**6) for _ in range(2)]
        self.come(0, (0,) * PARTITIONS)

    def come(self, process: int, place: Place) -> None:
        """As over HTTP: nobody is let in ahead of what the process has read."""
        self.recent = self.processes[process]
        for partition, offset in enumerate(place):
            self.shared(process, partition, max(0, offset - self.recent.place[partition]))
        self.course, self.reading = Course(self.recent, place, self.wanted), None

    def write(self, partition: int, segment: str) -> None:
        self.topic.write(partition, segment)

    def shared(self, process: int, partition: int, count: int) -> None:
        recent = self.processes[process]
        for record in self.topic.read(partition, recent.place[partition], count):
            recent.append(record.partition, record.offset, record.value)

    def alone(self, partition: int, count: int) -> None:
        if self.course.join():
            return
        if self.reading is None or reaches(self.reading.place, self.reading.goal):
            self.reading = Alone(list(self.course.place), self.course.goal())
        records = self.topic.read(partition, self.reading.place[partition], count)
        self.reading.place[partition] += len(records)
        self.take(self.course.take([r for r in records if r.offset < self.reading.goal[r.partition]]))

    def live(self) -> None:
        if self.course.overtaken:
            self.cut(0)
        if self.course.join():
            self.reading = None
            self.take(self.course.live())

    def cut(self, process: int) -> None:
        self.come(process, read_place(self.course.resume, PARTITIONS))

    def take(self, events: Sequence[bytes]) -> None:
        for event in events:
            told = event_fields(event)
            said = json.loads(told["data"])
            self.got[said["partition"]].append(told["data"].encode())
            assert said["number"] + 1 == read_place(told["id"], PARTITIONS)[said["partition"]]

    reading: Alone | None = None

    def play(self, history: Sequence[tuple[Any, ...]]) -> None:
        for name, *arguments in history:
            getattr(self, name)(*arguments)

    def settle(self) -> None:
        """Everything is read by everybody."""
        for process in range(2):
            for partition in range(PARTITIONS):
                self.shared(process, partition, 10**6)
        for _ in range(ROUNDS):
            for partition in range(PARTITIONS):
                self.alone(partition, 2)
            self.live()
        assert self.topic.end == read_place(self.course.resume, PARTITIONS)


@settings(max_examples=200)
@for_all(histories, sizes, st.sampled_from((EVERYTHING, A_SEGMENT)))
def test_a_reader_gets_each_message_once_and_in_order_whatever_happens(
    history: list[tuple[Any, ...]], kept: int, wanted: Wanted
) -> None:
    world = World(wanted, kept)
    world.play(history)
    world.settle()
    assert [world.topic.wanted(p, wanted) for p in range(PARTITIONS)] == world.got


@for_all(histories, sizes)
def test_a_reader_that_has_met_the_others_gets_the_very_events_they_get(
    history: list[tuple[Any, ...]], kept: int
) -> None:
    world = World(EVERYTHING, kept)
    world.play(history)
    world.settle()
    other = Course(world.recent, world.topic.end, EVERYTHING)
    assert other.join()
    assert [] == other.live()
    world.write(1, "trade")
    world.shared(world.processes.index(world.recent), 1, 1)
    assert world.course.live() == other.live() != []


def test_who_falls_behind_what_is_kept_is_seen_and_can_go_on_from_its_id() -> None:
    world = World(EVERYTHING, kept=2)
    world.write(0, "trade")
    world.shared(0, 0, 1)
    world.live()
    for _ in range(5):
        world.write(0, "trade")
    world.shared(0, 0, 5)
    assert world.course.overtaken
    world.cut(1)
    assert not world.course.overtaken
    world.settle()
    assert [6, 0, 0] == list(map(len, world.got))


def test_messages_that_are_not_wanted_move_the_id_all_the_same() -> None:
    world = World(A_SEGMENT, kept=10)
    world.write(0, "private")
    world.shared(0, 0, 1)
    world.live()
    assert ([[], [], []], (1, 0, 0)) == (world.got, read_place(world.course.resume, PARTITIONS))

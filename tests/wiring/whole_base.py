"""The whole base in tests: customers as numbers, the topic, and whoever owns it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from services.analytics.core import Output
from services.analytics.partition import Partition
from services.analytics.population.job import Aside, PopulationJob, at_once
from services.analytics.population.numbers import Counts, Numbers
from services.analytics.population.part import Part, Result
from services.analytics.population.refit import Refit
from services.analytics.population.results import Results
from services.analytics.population.segments import SegmentRow, Segments
from services.analytics.population.wire import key_of, part_bytes, read, result_bytes
from services.analytics.rules import Rules
from services.analytics.state import DAY, UNCHANGED, WEEK
from shared.broker import Record, TopicPartition
from shared.contracts.values import from_micros
from shared.memory_broker import MemoryBroker
from shared.pause import Pause, go_on
from shared.topics import ALERTS, POPULATION

RULES = Rules()
FIRST = 2900 * WEEK  # 31 July 2025
TOPIC = TopicPartition(POPULATION, 0)


def customer(id_: str, *, at: int = FIRST) -> Numbers:
    """Who has bought twice, a week and a day before that instant."""
    today = at // DAY
    counts = Counts(at // WEEK - 1, (3, 1, 0, 2), (1, 0, 0, 1), (2, 1_520, 1_155_200))
    risk = 1, 36.0, 6.0, 1.7, 1.9, 24.5, 19.99, 0, 0.0
    return Numbers(id_, today - 7, today - 1, today - 1, 0, *risk, *UNCHANGED, counts)


def part(
    week: int,
    partition: int,
    *,
    is_first: bool | None = None,
    rules: Rules = RULES,
    ids: Collection[str] = (),
    segments: Sequence[SegmentRow] = (),
) -> Part:
    """Of the week so many weeks after FIRST; the first one, if it is that week and nothing else is said."""
    rows = [customer(id_, at=FIRST + week * WEEK) for id_ in ids]
    first = week == 0 if is_first is None else is_first
    counts = len(rows), 1
    return Part(
        rules.name, rules.digest, FIRST + week * WEEK, partition, first, *counts, rows, Segments(1, [*segments])
    )


class Topic:
    """`attrition.population` and the time of day."""

    def __init__(self, *, pause: Pause = go_on) -> None:
        self.now = from_micros(FIRST) + timedelta(minutes=1)
        self.broker = MemoryBroker(clock=lambda: self.now.timestamp(), pause=pause)
        self.broker.create_topic(POPULATION, 1)
        self.broker.create_topic(ALERTS, 2)

    def say(self, *said: Part | Result) -> None:
        for one in said:
            value = part_bytes(one) if isinstance(one, Part) else result_bytes(one)
            self.broker.append(POPULATION, 0, key_of(one), value)

    def results(self) -> list[Result]:
        """In the order in which they stand there, copies and all."""
        return [said for r in self.broker.records(POPULATION) if isinstance(said := read(r.value or b""), Result)]

    def alerts(self) -> list[bytes]:
        """About segments."""
        return [record.value or b"" for record in self.broker.records(ALERTS)]

    def weeks(self) -> list[int]:
        """Of the results, counted from FIRST."""
        return [(result.week - FIRST) // WEEK for result in self.results()]


class Owner:
    """One process that owns the topic, or believes so, and has followed it to the end at its start."""

    def __init__(self, topic: Topic, *, partitions: int = 2, history: bool = False, aside: Aside = at_once) -> None:
        self._topic, self._read = topic, 0
        self.known = Results(RULES)
        self.job = PopulationJob(
            RULES, partitions, self.known, topic.broker.publisher(), history=history, now=lambda: topic.now, aside=aside
        )
        self.follow()

    def follow(self) -> None:
        self.known.take(self._topic.broker.read(TOPIC, self.known.next_offset, 1000))

    async def work(self, *, follows: bool = True) -> None:
        """Reads until nothing is new, and then looks whether anything is missing."""
        while records := self._topic.broker.read(TOPIC, self._read, 2):
            self._read += len(records)
            await self.job.handle(records)
            if follows:
                self.follow()
        await self.job.look()

    async def take_over(self) -> None:
        """The group has given it the topic, again."""
        starts = await self.job.assigned([0])
        self._read = starts[TOPIC]


class Base:
    """A whole base that is one partition: what it tells is answered at once."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.results: dict[int, Result] = {}
        self._refit = Refit(rules, partitions=1)

    def take(self, partition: Partition, records: Sequence[Record]) -> list[Output | Part]:
        """What the partition says of the records, parts included. Raises what it does."""
        said = self._answered(partition, partition.proceed())
        return said + [o for record in records for o in self._answered(partition, partition.take(record))]

    def _answered(self, partition: Partition, outputs: Sequence[Output | Part]) -> list[Output | Part]:
        said = list(outputs)
        while parts := [output for output in outputs if isinstance(output, Part)]:
            for one in parts:
                self._answer(one)
            outputs = partition.proceed()
            said += outputs
        return said

    def _answer(self, part: Part) -> None:
        self._refit.take_part(part)
        if (result := self._refit.due()) is not None:
            self._refit.take_result(result)
            self.results[result.week] = result


def bytes_of(output: Output | Part) -> bytes:
    return part_bytes(output) if isinstance(output, Part) else output.value


def at(week: int, **after: float) -> datetime:
    return from_micros(FIRST + week * WEEK) + timedelta(**after)

"""What follows for the whole base, and when is it no longer waited for? The owner of the one partition of the topic.

In: parts and results as they stand in the topic, from its beginning at every takeover: nothing is committed, nothing is
kept. Out: for each week one result, when all parts are there, and ahead of it the alerts about segments. In `wall` time
a week whose parts do not come is given up an hour before anybody has to stand still for it, and the model before it
stays; the decision is a record like any other. In `history` nothing is given up. Two owners at once do no harm: they
say the same, and the first one counts.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime

import structlog

from services.analytics.population.part import DELAY, Part, Result
from services.analytics.population.refit import Refit
from services.analytics.population.results import Results, heard
from services.analytics.population.segments import SegmentOut
from services.analytics.population.wire import key_of, result_bytes
from services.analytics.rules import Rules
from services.analytics.state import HOUR, WEEK
from shared.broker import Outgoing, Publisher, Record, TopicPartition
from shared.contracts.values import format_time, from_micros, to_micros
from shared.telemetry import ALERTS_PUBLISHED, POPULATION_RESULTS
from shared.topics import ALERTS, POPULATION, partition_of

log = structlog.get_logger()

MINUTE = HOUR // 60
MILLIS = 1000  # micros

Due = Callable[[], Result | None]
Aside = Callable[[Due], Awaitable[Result | None]]
"""Runs what takes long beside the loop."""


async def at_once(due: Due) -> Result | None:
    return due()


class PopulationJob:
    """A `Handler` of `attrition.population`."""

    def __init__(
        self,
        rules: Rules,
        partitions: int,
        results: Results,
        publisher: Publisher,
        *,
        history: bool,
        now: Callable[[], datetime],
        aside: Aside = at_once,
    ) -> None:
        """`partitions`: of the log. `results`: what stands in the topic as far as this process has followed it, so that
        what is answered further on is not answered again."""
        self._rules, self._partitions, self._results, self._publisher = rules, partitions, results, publisher
        self._history, self._now, self._aside = history, now, aside
        self._fold = _Fold(rules, partitions)

    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        self._fold = _Fold(self._rules, self._partitions)
        return {TopicPartition(POPULATION, number): 0 for number in partitions}

    async def handle(self, records: Sequence[Record]) -> Mapping[TopicPartition, int]:
        for record in records:
            self._fold.take(record)
        await self._answer()
        return {}

    def full(self) -> Collection[TopicPartition]:
        return []

    async def look(self) -> Mapping[TopicPartition, int]:
        """From time to time: says which parts are missing, and in `wall` time gives up in the end. Not before all has
        been folded that this process knows to stand in the topic: what seems to be missing may stand further on."""
        fold, now = self._fold, to_micros(self._now())
        missing = fold.refit.missing() if fold.next_offset >= self._results.next_offset else None
        if missing is None:
            return {}
        week, partitions = missing
        waited, about = now - fold.spoken_since(week, now), {"week": _name(week), "partitions": sorted(partitions)}
        if waited >= MINUTE and fold.complained != week:
            fold.complained = week
            log.warning("population_parts_missing", **about)
        if not self._history and now >= week + DELAY - HOUR and waited >= HOUR and fold.said != week:
            await self._say(fold, fold.refit.skip(), "skipped")
            log.error("population_week_skipped", **about)
        return {}

    async def _answer(self) -> None:
        fold = self._fold
        following = None if fold.done is None else fold.done + WEEK
        if following is not None and self._is_answered(fold, following):
            return
        result = await self._aside(fold.refit.due)
        if result is not None and not self._is_answered(fold, result.week):
            await self._alert(fold.refit.alerts())
            await self._say(fold, result, "refitted")
            log.info("population_refitted", week=_name(result.week), customers=result.customers, one_in=result.one_in)

    def _is_answered(self, fold: "_Fold", week: int) -> bool:
        """Its result stands in the topic, though it has not been folded yet."""
        return week == fold.said or week in self._results.by_week

    async def _alert(self, alerts: Sequence[SegmentOut]) -> None:
        """Before the result: who dies in between leaves the week to be answered, and the same is said again."""
        for alert in alerts:
            partition = partition_of(alert.subject, self._partitions)
            await self._publisher.publish([[Outgoing(ALERTS, partition, alert.subject.encode(), alert.value)]])
            ALERTS_PUBLISHED.inc()

    async def _say(self, fold: "_Fold", result: Result, kind: str) -> None:
        await self._publisher.publish([[Outgoing(POPULATION, 0, key_of(result), result_bytes(result))]])
        fold.said = result.week
        POPULATION_RESULTS.labels(kind).inc()


class _Fold:
    """What one owner has read of the topic since it took over, and what it has said."""

    def __init__(self, rules: Rules, partitions: int) -> None:
        self._rules = rules
        self.refit = Refit(rules, partitions)
        self.next_offset = 0
        self.done: int | None = None  # the last week with a result
        self.said: int | None = None  # the week this owner has answered last
        self.complained: int | None = None  # the week whose missing parts were named last
        self._spoken: dict[int, int] = {}  # week -> when its first part came, by the broker, micros

    def take(self, record: Record) -> None:
        said = heard(record, self._rules)
        self.next_offset = record.offset + 1
        if isinstance(said, Part):
            self.refit.take_part(said)
            self._spoken.setdefault(said.week, record.timestamp * MILLIS)
        elif isinstance(said, Result):
            self.refit.take_result(said)
            self.done = max(said.week, self.done or 0)
            self._spoken = {week: at for week, at in self._spoken.items() if week > said.week}

    def spoken_since(self, week: int, now: int) -> int:
        """When the first part came of this week or a later one, micros; `now` if none has. So a deployment that was
        down, or rules that are new, are not given up before they have had their time."""
        return min((at for of, at in self._spoken.items() if of >= week), default=now)


def _name(week: int) -> str:
    return format_time(from_micros(week))

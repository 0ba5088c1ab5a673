"""What does the whole base say at an instant? The fold of the parts of all partitions into one result a week.

In: parts and results as they stand in the topic, own results included; of two results of a week the first counts, and a
part that comes after it is too late. Out: the result that is due, and what is to be said of segments ahead of it. So
whoever reads the topic knows the same, whatever became of the process that read it before.
"""

from collections.abc import Collection
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from services.analytics.calendar import Calendar
from services.analytics.population.fitting import fit_population
from services.analytics.population.model import Model, unfitted
from services.analytics.population.numbers import columns
from services.analytics.population.part import Part, Result, Sample, chosen, likeliest, skipped
from services.analytics.population.portfolio import WHOLE, Move, Portfolio
from services.analytics.population.segments import SegmentOut, together, told
from services.analytics.population.training import Training
from services.analytics.population.usual import Usual
from services.analytics.rules import Rules
from services.analytics.state import DAY, WEEK

LEAST_CUSTOMERS = 50  # below it the published parameters are better than any fit
YOUNG_WEEKS, REST_WEEKS = 52, 4  # a base is fitted to every week in its first year, then every fourth


class _Seen(NamedTuple):
    """All that has been learnt of a base. `moves`: of segments, in the last week."""

    training: Training
    usual: Usual
    portfolio: Portfolio
    moves: Collection[Move] = ()


class Refit:
    """The base under one version of the rules, whose log has so many partitions."""

    def __init__(self, rules: Rules, partitions: int) -> None:
        self._rules, self._partitions = rules, partitions
        self._first: dict[int, int] = {}  # partition -> its first week
        self._parts: dict[int, dict[int, Part]] = {}
        self._begin: int | None = None  # the first week with customers
        self._done: int | None = None  # the last week whose result is in the log
        self._model = unfitted(rules)
        self._seen = _Seen(Training(rules.horizon_days), Usual(), Portfolio())
        self._then: tuple[int, _Seen] | None = None  # a week, and what will have been seen with it
        self._seasons: dict[int, tuple[float, ...]] = {}  # of weeks
        self._due: Result | None = None

    def take_part(self, part: Part) -> None:
        """Copies and what comes too late change nothing."""
        if self._done is not None and part.week <= self._done:
            self._first.setdefault(part.partition, part.week)
            return
        if part.is_first:
            self._first.setdefault(part.partition, part.week)
        self._parts.setdefault(part.week, {}).setdefault(part.partition, part)

    def take_result(self, result: Result) -> None:
        """As it stands in the log. The second of a week changes nothing."""
        if self._done is not None and result.week <= self._done:
            return
        if self._begin is None and result.customers:
            self._begin = result.week
        if result.model is not None:
            self._seen, self._model = self._seen_with(result.week), result.model
            if result.model.season is not None:
                self._seasons[result.week // WEEK - 1] = result.model.season
        else:
            self._seen = self._seen._replace(portfolio=self._seen.portfolio.after(result.week, None)[0])
        self._done, self._due = result.week, None
        self._parts = {week: parts for week, parts in self._parts.items() if week > result.week}

    def due(self) -> Result | None:
        """The next result that is complete and not in the log yet; the same until it is."""
        week = self._next()
        if week is None or self._missing(week):
            return None
        if self._due is None or self._due.week != week:
            self._due = self._result(week)
        return self._due

    def alerts(self) -> list[SegmentOut]:
        """What is to be published ahead of the result that is due: once it stands there, nobody would say it again."""
        due = self.due()
        return [] if due is None else [told(move, self._rules) for move in self._seen_with(due.week).moves]

    def missing(self) -> tuple[int, Collection[int]] | None:
        """The week waited for, and the partitions that have not spoken; none: nothing is waited for."""
        week = self._next(early=True)
        lacking = [] if week is None else self._missing(week)
        return (week, lacking) if week is not None and lacking else None

    def skip(self) -> Result:
        """For the week waited for: the last model stays."""
        week = self._next(early=True)
        assert week is not None, "something is waited for"
        return skipped(self._rules, week)

    def _next(self, *, early: bool = False) -> int | None:
        """`early`: although partitions that have not spoken yet may have an earlier one."""
        if self._done is not None:
            return self._done + WEEK if any(week > self._done for week in self._parts) else None
        if not self._first or (len(self._first) < self._partitions and not early):
            return None
        return min(self._first.values())

    def _missing(self, week: int) -> list[int]:
        spoken = self._parts.get(week, {})
        return [n for n in range(self._partitions) if n not in spoken and self._first.get(n, 0) <= week]

    def _sample(self, week: int) -> Sample:
        parts = self._parts.get(week, {}).values()
        one_in = max((part.one_in for part in parts), default=1)
        return chosen((row for part in parts for row in part.rows), one_in)

    def _result(self, week: int) -> Result:
        customers, sample = sum(part.customers for part in self._parts.get(week, {}).values()), self._sample(week)
        model = self._model_of(week, len(sample.rows()))
        return Result(self._rules.name, self._rules.digest, week, customers, sample.one_in, model)

    def _seen_with(self, week: int) -> _Seen:
        """Weeks before the first with customers are none of the base."""
        if self._then is None or self._then[0] != week:
            rows, seen = self._sample(week).rows(), self._seen
            segments = together([part.segments for part in self._parts.get(week, {}).values()])
            if self._begin is None and not rows and not segments[WHOLE].customers:
                return seen
            training, usual = seen.training.after(week / DAY, rows), seen.usual.after(week // WEEK, rows)
            self._then = week, _Seen(training, usual, *seen.portfolio.after(week, segments))
        return self._then[1]

    def _admitted(self, week: int) -> frozenset[str]:
        candidates = chain(*(part.candidates for part in self._parts.get(week, {}).values()))
        return frozenset(told.customer for told in likeliest(candidates, self._rules))

    def _model_of(self, week: int, rows: int) -> Model:
        seen = self._seen_with(week)
        before = replace(self._model, season=None, admitted=self._admitted(week))
        if rows < LEAST_CUSTOMERS:
            return before
        calendar = Calendar(self._seasons)
        paces = seen.usual.paces(self._model.paces, calendar)
        model = replace(before, paces=paces, season=seen.usual.season(paces, calendar))
        age = 0 if self._begin is None else (week - self._begin) // WEEK
        return self._fitted(model, week, seen.training) if age < YOUNG_WEEKS or age % REST_WEEKS == 0 else model

    def _fitted(self, before: Model, week: int, training: Training) -> Model:
        now = week / DAY
        population = fit_population(columns(training.snapshots[-1].rows), now, before.population)
        hazard = training.hazard(now, population, before.hazard)
        stack = training.stack(now, population, before.stack)
        return replace(before, week=week, population=population, hazard=hazard, stack=stack)

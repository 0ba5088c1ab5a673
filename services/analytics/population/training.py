"""What has come of customers as they were week by week: the rows that the models are fitted to.

In: the rows of one week after another. A row is answered twice: was there an occasion in the week after it, and within
the horizon? Answers come from later rows alone, so nothing is learnt from what is not over. Immutable: a week that is
looked at makes a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from services.analytics.population.features import features, log_odds_of_silence
from services.analytics.population.fitting import fit_regression
from services.analytics.population.model import STEP_DAYS, Regression
from services.analytics.population.numbers import Numbers, Table, columns, table
from services.analytics.rules import Population

Mask = npt.NDArray[np.bool_]

MOST = 60_000  # rows of one fit; of more, every second, third ... is taken
KEPT_HORIZONS = 12.0  # older rows would weigh next to nothing


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The customers of one week, days. `next_week`: 1 with an occasion, 0 without, NaN not known; `silent`: no occasion
    so far; `complete`: of whom nothing has been missed since."""

    week: float
    who: npt.NDArray[np.int64]
    rows: Table
    next_week: Table | None
    silent: Mask
    complete: Mask
    is_over: bool = False  # the horizon


@dataclass(frozen=True, slots=True)
class Training:
    """All that has been seen of a base, under one horizon in days."""

    horizon_days: float
    snapshots: Sequence[Snapshot] = ()
    numbers: dict[str, int] = field(default_factory=dict)  # of customers, as they come; only ever added to

    def after(self, week: float, rows: Sequence[Numbers]) -> "Training":
        """A week later, days."""
        who = np.array([self.numbers.setdefault(row.customer, len(self.numbers)) for row in rows], dtype=np.int64)
        seen = table(list(rows))
        last, opened = (np.full(len(self.numbers), np.nan) for _ in range(2))
        last[who], opened[who] = columns(seen).last, columns(seen).opened
        before = self.snapshots[-1].week if self.snapshots else week
        kept = [s for s in self.snapshots if week - s.week <= KEPT_HORIZONS * self.horizon_days]
        answered = [s if s.is_over else self._answered(s, week, before, last[s.who], opened[s.who]) for s in kept]
        everybody = np.ones(len(rows), dtype=bool)
        return replace(self, snapshots=[*answered, Snapshot(week, who, seen, None, everybody, everybody)])

    def hazard(self, now: float, p: Population, start: Regression | None) -> Regression | None:
        """Fitted to the weeks; none before the first is over. Weights fade over two horizons."""
        weeks = [(s, s.next_week, ~np.isnan(s.next_week)) for s in self.snapshots if s.next_week is not None]
        if (rows := self._rows(weeks, now, 2.0)) is None:
            return None
        of, at, happened, weights = rows
        offset = -log_odds_of_silence(columns(of), at, p, STEP_DAYS)
        return fit_regression(features(columns(of), at, offset, p, self.horizon_days), happened, weights, start)

    def stack(self, now: float, p: Population, start: Regression | None) -> Regression | None:
        """Fitted to the horizons that are over. Rows of one customer overlap: together they weigh like two."""
        over = [(s, s.silent.astype(np.float64), s.complete) for s in self.snapshots if s.is_over]
        if (rows := self._rows(over, now, 4.0)) is None:
            return None
        of, at, lapsed, weights = rows
        offset = log_odds_of_silence(columns(of), at, p, self.horizon_days)
        x = features(columns(of), at, offset, p, self.horizon_days)
        return fit_regression(x, lapsed, weights * 2 * STEP_DAYS / self.horizon_days, start)

    def _answered(self, s: Snapshot, week: float, before: float, last: Table, opened: Table) -> Snapshot:
        known, since = ~np.isnan(last), last >= before
        is_next = before == s.week and week - before == STEP_DAYS
        return replace(
            s,
            next_week=np.where(known, since, np.nan) if is_next else s.next_week,
            silent=s.silent & ~(since & (opened < s.week + self.horizon_days)),
            complete=s.complete & known,
            is_over=week >= s.week + self.horizon_days,
        )

    def _rows(
        self, answered: Sequence[tuple[Snapshot, Table, Mask]], now: float, fading: float
    ) -> tuple[Table, Table, Table, Table] | None:
        """(rows, instants, answers, weights) of at most MOST, evenly from all."""
        number = sum(int(use.sum()) for _, _, use in answered)
        if not number:
            return None
        every = -(-number // MOST)
        of = np.concatenate([s.rows[use] for s, _, use in answered])[::every]
        at = np.concatenate([np.full(int(use.sum()), s.week) for s, _, use in answered])[::every]
        answers = np.concatenate([answer[use] for _, answer, use in answered])[::every]
        return of, at, answers, every * np.exp((at - now) / (fading * self.horizon_days))

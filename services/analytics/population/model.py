"""How likely is it that a customer has no more occasion within the horizon, by a model fitted to the whole base?

Two logistic regressions with the MBG/NBD as offset, averaged on the log odds: HAZ, the hazard of an occasion within
a week, multiplied out along the silence that would have to come (whose course is known exactly), which follows a base
that changes; STACK, the same regressors against what happened within a whole horizon, which keeps it calibrated there.
A model that is not fitted yet is the MBG/NBD with published parameters.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Generic

import msgspec
import numpy as np
from scipy.special import expit

from services.analytics.pace import Paces
from services.analytics.population.features import (
    MOVING,
    OF_MANY,
    OF_ONE,
    OFFSET,
    STILL,
    Mathematics,
    Rhythm,
    likelihood_of_silence,
    log_odds,
    log_odds_of_silence,
    moving,
    odds_of_silence,
    rhythm,
    still,
)
from services.analytics.population.numbers import Columns, N, Table
from services.analytics.rules import Population, Rules

STEP_DAYS = 7.0


class Regression(msgspec.Struct, frozen=True):
    """Weights of the features, and between what each is taken for known: the range of all but a thousandth of what it
    was fitted to, at either end. Outside of it a straight line would say anything. The offset is taken as it is."""

    weights: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def of_still(self, values: Sequence[N], m: Mathematics[N]) -> N:
        """Log odds by what does not move."""
        return self._weighed(values, 0, m)

    def of_moving(self, values: Sequence[Table], *, at_once: bool) -> Table:
        """By the rest, added up in the same order: one after another, or, of little, `at_once`."""
        if not at_once:
            return self._weighed(values, len(STILL), OF_MANY)
        weights, low, high = _limits(self)
        inside = np.minimum(np.maximum(np.array(values), low), high)
        said: Table = np.add.accumulate(weights * inside)[-1]
        return said

    def _weighed(self, values: Sequence[N], first: int, m: Mathematics[N]) -> N:
        said = 0 * values[0]
        for number, value in enumerate(values, first):
            inside = value if number == OFFSET else m.at_most(self.high[number], m.at_least(self.low[number], value))
            said = said + self.weights[number] * inside
        return said


@lru_cache(maxsize=16)
def _limits(r: Regression) -> tuple[Table, Table, Table]:
    """Weights of what moves, and limits, for values of customers and weeks."""
    low, high = (np.array(limits) for limits in (r.low, r.high))
    low[OFFSET], high[OFFSET] = -np.inf, np.inf
    weights, low, high = (column[len(STILL) :, None, None] for column in (np.array(r.weights), low, high))
    return weights, low, high


class Model(msgspec.Struct, frozen=True):
    """What is published of a fit, and all that a risk depends on beside the customer. `week`: the instant of the state
    it was fitted to, micros. `season`: of the week before the result's, what happened over what was to be expected, by
    stream as in `services.analytics.calendar`; none: nobody knows. `admitted`: the customers for whom there is a place
    for an alert in the week to come, of those who need one."""

    week: int
    population: Population
    hazard: Regression | None = None
    stack: Regression | None = None
    paces: Paces = Paces()
    season: tuple[float, ...] | None = None
    admitted: frozenset[str] = frozenset()

    @property
    def is_fitted(self) -> bool:
        return self.hazard is not None or self.stack is not None


def unfitted(rules: Rules) -> Model:
    """Before there is anything to fit to."""
    return Model(0, rules.population)


class Risks(Generic[N]):
    """P(no occasion within the horizon) of many customers, each at an instant, or of one at several. What does not
    depend on the instant is computed once."""

    def __init__(self, model: Model, of: Columns[N], mathematics: Mathematics[N], horizon_days: float) -> None:
        """`of`: plain numbers, or columns with an axis for what follows the instant."""
        self._model, self._horizon_days, self._is_one = model, horizon_days, mathematics is OF_ONE
        self._of: Columns[N] = of
        self._rhythm: Rhythm[N] = rhythm(of, model.population, mathematics)
        values = still(of, self._rhythm, mathematics) if model.is_fitted else []
        self._hazard: N | float = model.hazard.of_still(values, mathematics) if model.hazard else 0.0
        self._stack: N | float = model.stack.of_still(values, mathematics) if model.stack else 0.0

    def at(self, instants: Table) -> Table:
        """Days; in [0, 1]."""
        m, now = self._model, instants[:, None]
        within = by_weeks = log_odds_of_silence(self._of, now, m.population, self._horizon_days)
        if m.is_fitted:
            along = self._along_silence(now)
            if m.hazard is not None:
                by_weeks = log_odds(self._survival(self._hazard + m.hazard.of_moving(along, at_once=self._is_one)))
            if m.stack is not None:
                here = [values[:, :1] for values in along]
                here[MOVING.index("offset")] = within
                within = self._stack + m.stack.of_moving(here, at_once=self._is_one)
        said: Table = expit((by_weeks + within) / 2)[:, 0]
        return said

    def _along_silence(self, now: Table) -> list[Table]:
        """What moves, week by week of a silence that goes on."""
        weeks = now + STEP_DAYS * np.arange(_steps(self._horizon_days) + 1)
        likely = likelihood_of_silence(self._of, weeks, self._model.population)
        offset = -odds_of_silence(likely[:, :-1], likely[:, 1:], self._of, self._model.population)
        return moving(self._of, self._rhythm, weeks[:, :-1], offset, self._horizon_days)

    def _survival(self, hazard: Table) -> Table:
        """P(no occasion), by the log odds of one in each week; the last one counts by the part that is within."""
        passes = expit(-hazard)
        passes[:, -1] **= min(1.0, self._horizon_days / STEP_DAYS - (_steps(self._horizon_days) - 1))
        lasting: Table = np.prod(passes, axis=1, keepdims=True)
        return lasting


def risks_of_many(model: Model, of: Columns[Table], horizon_days: float) -> Risks[Table]:
    return Risks(model, Columns(*(column[:, None] for column in of)), OF_MANY, horizon_days)


def risks_of_one(model: Model, of: Columns[float], horizon_days: float) -> Risks[float]:
    return Risks(model, of, OF_ONE, horizon_days)


def _steps(horizon_days: float) -> int:
    return math.ceil(horizon_days / STEP_DAYS - 1e-9)

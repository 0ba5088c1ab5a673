"""How likely is it that a customer has no more occasion within the horizon, by a model fitted to the whole base?

Two logistic regressions with the MBG/NBD as offset, averaged on the log odds: HAZ, the hazard of an occasion within
a week, multiplied out along the silence that would have to come (whose course is known exactly), which follows a base
that changes; STACK, the same regressors against what happened within a whole horizon, which keeps it calibrated there.
A model that is not fitted yet is the MBG/NBD with published parameters.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.special import expit

from services.analytics.pace import Paces
from services.analytics.population.features import OFFSET, features, log_odds, log_odds_of_silence
from services.analytics.population.numbers import Columns, Table
from services.analytics.rules import Population, Rules

STEP_DAYS = 7.0


class Regression(msgspec.Struct, frozen=True):
    """Weights of the features, and between what each is taken for known: the range of all but a thousandth of what it
    was fitted to, at either end. Outside of it a straight line would say anything."""

    weights: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def log_odds(self, features_: Sequence[Table]) -> Table:
        said: Table = np.zeros(1)
        for number, (values, weight) in enumerate(zip(features_, self.weights, strict=True)):
            inside = values if number == OFFSET else np.minimum(np.maximum(values, self.low[number]), self.high[number])
            said = said + weight * inside
        return said


class Model(msgspec.Struct, frozen=True):
    """What is published of a fit, and all that a risk depends on beside the customer. `week`: the instant of the state
    it was fitted to, micros. `season`: of the week before the result's, what happened over what was to be expected, by
    stream as in `services.analytics.calendar`; none: nobody knows. `threshold`: the risk below which no alert is raised
    in the week to come, where no more than so many can be looked after."""

    week: int
    population: Population
    hazard: Regression | None = None
    stack: Regression | None = None
    paces: Paces = Paces()
    season: tuple[float, ...] | None = None
    threshold: float | None = None

    @property
    def is_fitted(self) -> bool:
        return self.hazard is not None or self.stack is not None


def unfitted(rules: Rules) -> Model:
    """Before there is anything to fit to."""
    return Model(0, rules.population)


def risks(m: Model, c: Columns, at: Table, horizon_days: float) -> Table:
    """P(no occasion within the horizon after `at`, days) of each customer, in [0, 1]."""
    within = by_weeks = log_odds_of_silence(c, at, m.population, horizon_days)
    if m.is_fitted:
        along = _along_silence(m, c, at, horizon_days)
        if m.stack is not None:
            now = [values[:, 0] for values in along]
            now[OFFSET] = within
            within = m.stack.log_odds(now)
        if m.hazard is not None:
            by_weeks = log_odds(_survival(m.hazard, along, horizon_days))
    said: Table = expit((by_weeks + within) / 2)
    return said


def _along_silence(m: Model, c: Columns, at: Table, horizon_days: float) -> list[Table]:
    """The features of each customer, a column per week of a silence that goes on; one where nothing changes."""
    path = Columns(*(column[:, None] for column in c))
    instants = at[:, None] + STEP_DAYS * np.arange(_steps(horizon_days))
    offset = -log_odds_of_silence(path, instants, m.population, STEP_DAYS)
    return features(path, instants, offset, m.population, horizon_days)


def _survival(hazard: Regression, along: Sequence[Table], horizon_days: float) -> Table:
    """P(no occasion) week by week; the last one counts by the part that is within."""
    passes = expit(-hazard.log_odds(along))
    passes[:, -1] **= min(1.0, horizon_days / STEP_DAYS - (_steps(horizon_days) - 1))
    lasting: Table = np.prod(passes, axis=1)
    return lasting


def _steps(horizon_days: float) -> int:
    return math.ceil(horizon_days / STEP_DAYS - 1e-9)

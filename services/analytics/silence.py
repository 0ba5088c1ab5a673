"""How likely is it that the customer stays away, is that a sign, and when may silence make it one?

In: a customer at an instant, and the model in force. A model that is not fitted is a closed form, monotone in silence,
and is searched as far as anybody looks ahead. A fitted one is looked at again once a week, when the next one comes into
force, so it is searched up to there.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from services.analytics.population.features import log_odds as log_odds_of
from services.analytics.population.model import Model, risks
from services.analytics.population.numbers import Columns, columns, known, numbers, table
from services.analytics.population.part import next_look
from services.analytics.record import ATTRITION, DEEP
from services.analytics.risk import expected_gap_days, log_odds, probability, risk_by_time
from services.analytics.rules import Rules
from services.analytics.signs import DOWN, UP, Verdict, first_true
from services.analytics.state import DAY, NEVER, Customer, Occasions, days

CUTS = 16  # parts into which a stretch of time is cut at once
BY_RISK = (ATTRITION, DEEP)
FINE = 60_000_000  # micros: nearer nobody looks for a crossing


def verdicts(c: Customer, at: int, rules: Rules, model: Model) -> dict[int, Verdict]:
    """ATTRITION: the risk has risen high, and well above what it was right after the last occasion. DEEP: the same in
    the highest band; it escalates the alert."""
    p = c.occasions
    if p is None or p.repeats < 1:  # one purchase is no rhythm: silence after it says nothing about this customer
        return dict.fromkeys(BY_RISK, DOWN)
    early = p.last + round(rules.silent_gaps * gap_days(p, model) * DAY)
    if at < early:
        return dict.fromkeys(BY_RISK, (False, early))
    risk_of = _risks_of(c, rules, model)
    now, fresh = risk_of([at, p.last])
    lifted = probability(log_odds(fresh) + rules.risk_lift)

    def of(number: int, threshold: float) -> Verdict:
        target = max(threshold, lifted)
        if now >= target or (c.up >> number & 1 and now >= max(rules.risk_clear, lifted)):
            return UP
        if not model.is_fitted:
            return (False, first_true(lambda instant: risk_of([instant])[0] >= target, at))
        return (False, _crossing(risk_of, target, at, next_look(at)))

    return {ATTRITION: of(ATTRITION, rules.risk_raise), DEEP: of(DEEP, rules.risk_deep)}


class Outlook(NamedTuple):
    """The risk at a weekly look, and whether silence makes or unmakes a sign, there or by the next look."""

    risk: float
    matters: bool


def outlooks(some: Sequence[Customer], at: int, rules: Rules, model: Model) -> list[Outlook]:
    """Of customers who all have an occasion, under a fitted model: what `verdicts` would say, for all at once, but for
    the silence that is too short yet to say anything."""
    of, horizon = known(some), rules.horizon_days
    now, later = (risks(model, of, np.full(len(some), instant / DAY), horizon) for instant in (at, next_look(at)))
    up = np.array([[c.up >> number & 1 > 0 for c in some] for number in BY_RISK])
    near = (of.repeats > 0) & (up.any(axis=0) | (np.maximum(now, later) >= rules.risk_raise))
    lifted = np.ones(len(some))
    few = Columns(*(column[near] for column in of))
    lifted[near] = expit(log_odds_of(risks(model, few, few.last, horizon)) + rules.risk_lift)
    matters = np.zeros(len(some), dtype=bool)
    for is_up, threshold in zip(up, (rules.risk_raise, rules.risk_deep), strict=True):
        target = np.maximum(threshold, lifted)
        stays = (now >= target) | (is_up & (now >= np.maximum(rules.risk_clear, lifted)))
        matters |= near & ((stays != is_up) | (~stays & (later >= target)))
    return list(map(Outlook, now.round(6).tolist(), matters.tolist()))


def risk_at(c: Customer, at: int, rules: Rules, model: Model) -> float | None:
    """P(no occasion within the horizon) at an instant not before the last one; none: never bought."""
    return None if c.occasions is None else _risks_of(c, rules, model)([at])[0]


def gap_days(p: Occasions, model: Model) -> float:
    """The customer's own days between occasions, drawn towards the base's."""
    return expected_gap_days(model.population, p.repeats, days(p.last - p.first))


def lift(c: Customer, at: int, rules: Rules, model: Model) -> float:
    """How far silence has raised the risk since the last occasion, in nats of log odds."""
    assert c.occasions is not None, "the risk is up, so there are occasions"
    now, fresh = _risks_of(c, rules, model)([at, c.occasions.last])
    return log_odds(now) - log_odds(fresh)


Risks = Callable[[Sequence[int]], list[float]]


def _risks_of(c: Customer, rules: Rules, model: Model) -> Risks:
    """The risk of one customer at any instants, micros."""
    p, row = c.occasions, numbers(c)
    assert p is not None, "asked for customers with occasions only"
    assert row is not None, "so there are numbers"
    if not model.is_fitted:
        closed = risk_by_time(
            model.population, p.repeats, days(p.last - p.first), rules.horizon_days, since=p.first
        )  # fmt: skip
        return lambda instants: [closed(instant) for instant in instants]
    own = table([row])

    def fitted(instants: Sequence[int]) -> list[float]:
        at = np.array(instants) / DAY
        said: list[float] = risks(model, columns(np.repeat(own, len(at), axis=0)), at, rules.horizon_days).tolist()
        return said

    return fitted


def _crossing(risk_of: Risks, target: float, after: int, until: int) -> int:
    """The first instant found, later than `after` and at most `until`, at which the risk reaches the target; NEVER."""
    if risk_of([until])[0] < target:
        return NEVER
    while until - after > FINE:
        instants = [after + (until - after) * n // CUTS for n in range(1, CUTS)] + [until]
        reached = next(n for n, risk in enumerate(risk_of(instants)) if risk >= target)
        after, until = ([after, *instants])[reached], instants[reached]
    return until

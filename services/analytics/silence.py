"""How likely is it that the customer stays away, is that a sign, and when may silence make it one?

In: a customer at an instant, and the model in force. A model that is not fitted is a closed form, monotone in silence,
and is searched as far as anybody looks ahead. A fitted one is looked at again once a week, when the next one comes into
force, so it is searched up to there.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from services.analytics.buyers import DOWN, UP, Verdict
from services.analytics.changes import NAMES
from services.analytics.population.model import Model, risks_of_many, risks_of_one
from services.analytics.population.numbers import Columns, figures, of_all
from services.analytics.population.part import next_look
from services.analytics.record import ATTRITION, DEEP, LAPSE
from services.analytics.risk import expected_gap_days, log_odds, risk_by_time
from services.analytics.rules import Rules
from services.analytics.state import DAY, HOUR, NEVER, Customer, Occasions, days

CUTS = 16  # parts into which a stretch of time is cut at once
BY_RISK = (ATTRITION, DEEP)
HORIZON_DAYS = 20 * 365  # later than this nothing is awaited
MINUTE = HOUR // 60  # nearer nobody looks for a crossing


def verdicts(c: Customer, at: int, rules: Rules, model: Model) -> dict[int, Verdict]:
    """ATTRITION: after a silence of some length the customer is likelier not to buy within the horizon. DEEP: much
    likelier; it escalates the alert."""
    p = c.occasions
    if p is None or p.repeats < 1:  # one purchase is no rhythm: silence after it says nothing about this customer
        return dict.fromkeys(BY_RISK, DOWN)
    if is_in_touch(c, rules):
        return dict.fromkeys(BY_RISK, DOWN)
    early = p.last + round(silence_days(p, rules, model) * DAY)
    if at < early:
        return dict.fromkeys(BY_RISK, (False, early))
    risk_of = _risks_of(c, rules, model)
    now, (raised, deep) = risk_of([at])[0], thresholds(c, rules)

    def of(number: int, threshold: float) -> Verdict:
        if now >= threshold or (c.up >> number & 1 and now >= rules.risk_clear):
            return UP
        if not model.is_fitted:
            return (False, _first_true(lambda instant: risk_of([instant])[0] >= threshold, at))
        return (False, _crossing(risk_of, threshold, at, next_look(at)))

    return {ATTRITION: of(ATTRITION, raised), DEEP: of(DEEP, deep)}


def thresholds(c: Customer, rules: Rules) -> tuple[float, float]:
    """The risks from which it raises an alert, and escalates one."""
    raised = rules.raised_at(c.segment)
    return raised, max(raised, rules.risk_deep)


def is_in_touch(c: Customer, rules: Rules) -> bool:
    """Who buys rarely and speaks with us as ever is not drifting away."""
    spoken = sum(events.counts.total for events in (c.contact, c.enquiry) if events is not None)
    return spoken >= rules.communicates_from and not c.up >> LAPSE & 1


def silence_days(p: Occasions, rules: Rules, model: Model) -> float:
    """Before which no risk is a sign. Where nothing has been learnt of the base, the customer's own rhythm decides."""
    share = rules.silent_share * rules.horizon_days
    return share if model.is_fitted else max(share, rules.silent_gaps * gap_days(p, model))


class Outlook(NamedTuple):
    """The risk at a weekly look, the highest by the next one, and whether silence makes or unmakes a sign by then."""

    risk: float
    highest: float
    matters: bool


def outlooks(some: Sequence[Customer], at: int, rules: Rules, model: Model) -> list[Outlook]:
    """Of customers who all have an occasion, under a fitted model: what `verdicts` would say, for all at once."""
    if not some:
        return []
    of, horizon = of_all(some), rules.horizon_days
    instants = at / DAY, next_look(at) / DAY
    risks = risks_of_many(model, of, horizon)
    now, later = (risks.at(np.full(len(some), instant)) for instant in instants)
    silent = (of.repeats > 0) & ~np.array([is_in_touch(c, rules) for c in some])
    long_now, long_later = (silent & (instant - of.last >= rules.silent_share * horizon) for instant in instants)
    highest, matters = np.maximum(now, later), np.zeros(len(some), dtype=bool)
    for number, threshold in zip(BY_RISK, np.array([thresholds(c, rules) for c in some]).T, strict=True):
        is_up = np.array([c.up >> number & 1 > 0 for c in some])
        stays = long_now & ((now >= threshold) | (is_up & (now >= rules.risk_clear)))
        matters |= (stays != is_up) | (long_later & ~stays & (highest >= threshold))
    return list(map(Outlook, now.round(6).tolist(), highest.tolist(), matters.tolist()))


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


def parts_of_risk(c: Customer, at: int, rules: Rules, model: Model) -> tuple[float, float, float]:
    """By how much silence, changes of pace and complaints have moved the log odds of the risk, nats, one after another:
    from right after the last occasion, of a customer of whom nothing else is known, to what it is."""
    p = c.occasions
    assert p is not None, "the risk is up, so there are occasions"
    if not model.is_fitted:
        return lift(c, at, rules, model), 0.0, 0.0
    row = figures(c, p)
    quiet = row._replace(complaints=0, complaints_fast=0.0)
    bare = quiet._replace(**dict.fromkeys(NAMES.values(), 0.0))
    bare_, quiet_, row_ = (_fitted(of, rules, model) for of in (bare, quiet, row))
    fresh, silent, changed, now = map(log_odds, (*bare_([p.last, at]), *quiet_([at]), *row_([at])))
    return silent - fresh, changed - silent, now - changed


RiskOf = Callable[[Sequence[int]], list[float]]


def _risks_of(c: Customer, rules: Rules, model: Model) -> RiskOf:
    """The risk of one customer at any instants, micros."""
    p = c.occasions
    assert p is not None, "asked for customers with occasions only"
    if not model.is_fitted:
        closed = risk_by_time(
            model.population, p.repeats, days(p.last - p.first), rules.horizon_days, since=p.first
        )  # fmt: skip
        return lambda instants: [closed(instant) for instant in instants]
    return _fitted(figures(c, p), rules, model)


def _fitted(row: Columns[float], rules: Rules, model: Model) -> RiskOf:
    risks = risks_of_one(model, row, rules.horizon_days)

    def at(instants: Sequence[int]) -> list[float]:
        said: list[float] = risks.at(np.array(instants) / DAY).tolist()
        return said

    return at


def _crossing(risk_of: RiskOf, target: float, after: int, until: int) -> int:
    """The first whole minute found, later than `after` and at most the one in which `until` is, at which the risk
    reaches the target; NEVER."""
    low, high = after // MINUTE, -(-until // MINUTE)
    if risk_of([high * MINUTE])[0] < target:
        return NEVER
    while high - low > 1:
        minutes = sorted({high - (high - low) * n // CUTS for n in range(CUTS)})
        reached = next(n for n, risk in enumerate(risk_of([m * MINUTE for m in minutes])) if risk >= target)
        low, high = ([low, *minutes])[reached], minutes[reached]
    return high * MINUTE


def _first_true(predicate: Callable[[int], bool], after: int) -> int:
    """The first whole minute later than `after` at which a predicate that stays true is true, whenever it is asked for;
    NEVER if it is not true within the horizon."""
    low, high = after // MINUTE, (after + HORIZON_DAYS * DAY) // MINUTE
    if not predicate(high * MINUTE):
        return NEVER
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if predicate(middle * MINUTE) else (middle, high)
    return high * MINUTE

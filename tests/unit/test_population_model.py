"""The models of the base: fitted to what is known to be true, at their limits, and one by one as all at once."""

import math
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.data import CDNOW
from cli.sending.lines import Line, open_lines, read_lines
from services.analytics.calendar import Calendar
from services.analytics.core import Core, Observation, Output
from services.analytics.population.features import NAMES, OFFSET, features, log_odds_of_silence
from services.analytics.population.fitting import fit_population, fit_regression, log_likelihood
from services.analytics.population.model import Model, Regression, risks_of_many, risks_of_one, unfitted
from services.analytics.population.numbers import Columns, Counts, Numbers, Table, columns, table
from services.analytics.population.part import Known, next_look
from services.analytics.record import ATTRITION, DEEP, newcomer, record
from services.analytics.risk import log_odds, risk
from services.analytics.rules import Population, Rules
from services.analytics.silence import lift, outlooks, parts_of_risk, risk_at, verdicts
from services.analytics.state import DAY, UNCHANGED, Customer
from shared.contracts.analytics import AttritionAlertCleared
from shared.contracts.retention import Purchase
from shared.contracts.values import to_micros
from tests.unit.attrition import BEGINNING, alerts, day, every, observation, purchase
from tests.unit.population import AS_THE_OFFSET, customer_rows, inbound

AT = BEGINNING // DAY + 900.0
HORIZON = 90.0
NO_COUNTS = Counts(0, (0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0))
weights = st.lists(st.floats(-5, 5), min_size=len(NAMES), max_size=len(NAMES)).map(tuple)


def shop() -> Columns[Table]:
    """Customers of the CDNOW sample as of the end of week 39, days since the first purchase."""
    days: dict[str, set[int]] = {}
    for line in read_lines(open_lines(CDNOW), source="shop"):
        assert isinstance(line, Line)
        event = inbound(line.body)
        if isinstance(event.data, Purchase):
            days.setdefault(event.subject, set()).add(to_micros(event.time) // DAY)
    end = (date(1997, 9, 30) - date(1970, 1, 1)).days
    known = [sorted(d for d in bought if d <= end) for bought in days.values()]
    rows = [
        Numbers(str(n), b[0], b[-1], b[-1], 0, len(b) - 1, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0, 0.0, *UNCHANGED, NO_COUNTS)
        for n, b in enumerate(known)
    ]
    return columns(table(rows))


def test_the_published_figures_of_the_cdnow_sample_are_found_again() -> None:
    # Batislam et al. 2007 and Fader, Hardie 2005 fit weeks 1 to 39, with time in weeks.
    of, end = shop(), float((date(1997, 9, 30) - date(1970, 1, 1)).days)
    found = fit_population(of, end, Population(1.0, 30.0, 1.0, 1.0))
    assert [found.r, found.alpha_days / 7, found.a, found.b] == pytest.approx([0.525, 6.183, 0.891, 1.614], rel=0.01)
    likelihood = log_likelihood(found, of.repeats, of.last - of.first, end - of.first).sum()
    assert likelihood + of.repeats.sum() * math.log(7) == pytest.approx(-9582.1, abs=0.3)


def test_weights_that_made_the_data_are_found_again() -> None:
    chance = np.random.default_rng(1)
    x, true = regressors(chance, 40_000), np.zeros(len(NAMES))
    true[[0, OFFSET, OFFSET + 1]] = -1.0, 1.5, 0.7
    happened = chance.random(40_000) < 1 / (1 + np.exp(-sum(w * v for w, v in zip(true, x, strict=True))))
    found = fit_regression(x, happened.astype(float), np.ones(40_000), None)
    assert found.weights == pytest.approx(true, abs=0.06)


def test_the_same_data_gives_the_same_weights_from_any_start() -> None:
    chance = np.random.default_rng(2)
    x = regressors(chance, 500)
    happened = (chance.random(500) < 0.3).astype(float)
    one = fit_regression(x, happened, np.ones(500), None)
    start = tuple(chance.normal(size=len(NAMES)).tolist())
    two = fit_regression(x, happened, np.ones(500), Regression(start, one.low, one.high))
    assert one.weights == pytest.approx(two.weights, abs=1e-4)


def regressors(chance: np.random.Generator, number: int) -> list[Table]:
    """Of which only the constant, the offset and one other say anything."""
    x = [np.zeros(number) for _ in NAMES]
    x[0], x[OFFSET], x[OFFSET + 1] = np.ones(number), chance.normal(size=number), chance.normal(size=number)
    return x


@given(customer_rows())
def test_before_anything_is_fitted_the_risk_is_the_closed_form(rows: Sequence[Numbers]) -> None:
    of = columns(table(list(rows)))
    said = risks_of_many(unfitted(Rules()), of, HORIZON).at(np.full(len(rows), AT))
    for row, value in zip(rows, said, strict=True):
        last, age = row.last - row.first, AT - row.first
        assert value == pytest.approx(risk(Population(), row.repeats, last, age, HORIZON), abs=1e-8)


@given(customer_rows())
def test_weights_that_follow_the_offset_change_nothing(rows: Sequence[Numbers]) -> None:
    of, at = columns(table(list(rows))), np.full(len(rows), AT)
    model = Model(0, Population(), AS_THE_OFFSET, AS_THE_OFFSET)
    closed = risks_of_many(unfitted(Rules()), of, 91.0).at(at)
    assert risks_of_many(model, of, 91.0).at(at) == pytest.approx(closed, abs=1e-6)


@given(customer_rows(), weights, weights, st.floats(1, 1000))
def test_a_risk_is_a_probability_under_any_model(
    rows: Sequence[Numbers], hazard: tuple[float, ...], stack: tuple[float, ...], horizon: float
) -> None:
    model = Model(0, Population(), bounded(hazard), bounded(stack))
    said = risks_of_many(model, columns(table(list(rows))), horizon).at(np.full(len(rows), AT))
    assert np.isfinite(said).all()
    assert ((said >= 0) & (said <= 1)).all()


@given(customer_rows(), weights)
def test_one_by_one_gives_what_all_at_once_gives(rows: Sequence[Numbers], hazard: tuple[float, ...]) -> None:
    model = Model(0, Population(), bounded(hazard), AS_THE_OFFSET)
    of, at = table(list(rows)), np.full(len(rows), AT)
    together = risks_of_many(model, columns(of), HORIZON).at(at).tolist()
    in_columns = [risks_of_many(model, columns(row[None]), HORIZON).at(at[:1]).item() for row in of]
    in_numbers = [risks_of_one(model, Columns(*row), HORIZON).at(at[:1]).item() for row in of.tolist()]
    assert in_columns == together
    assert in_numbers == pytest.approx(together, rel=1e-9)


@given(customer_rows(), weights)
def test_the_risk_at_an_instant_is_the_same_whatever_else_is_asked_for(
    rows: Sequence[Numbers], hazard: tuple[float, ...]
) -> None:
    model = Model(0, Population(), bounded(hazard), AS_THE_OFFSET)
    of = risks_of_one(model, Columns(*table(list(rows))[0].tolist()), HORIZON)
    several = of.at(np.array([AT, AT + 3, AT + 40])).tolist()
    assert several == [of.at(np.array([instant])).item() for instant in (AT, AT + 3, AT + 40)]


@given(customer_rows())
def test_no_feature_is_ever_anything_but_a_number(rows: Sequence[Numbers]) -> None:
    of, at = columns(table(list(rows))), np.full(len(rows), AT)
    for values in features(of, at, log_odds_of_silence(of, at, Population(), 7.0), Population(), HORIZON):
        assert np.isfinite(values).all()


SILENT = Regression(
    tuple(1.0 if name == "offset" else -0.8 if name == "over" else 0.0 for name in NAMES),
    (-50.0,) * len(NAMES),
    (50.0,) * len(NAMES),
)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(2, 12)), min_size=1, max_size=8), st.integers(0, 400))
def test_the_weekly_look_judges_whom_silence_gives_another_verdict(
    customers: list[tuple[int, int]], silence: int
) -> None:
    rules, model = Rules(), Model(0, Population(), SILENT, None)
    core = core_with(rules, model, customers)
    everybody = [c for c in core._customers.everybody() if c.occasions is not None]
    at = next_look(max(c.now for c in everybody) + silence * DAY)
    for c, seen in zip(everybody, outlooks(everybody, at, rules, model), strict=True):
        for number in (ATTRITION, DEEP):
            was_up, (is_up, _) = c.up >> number & 1 > 0, verdicts(c, at, rules, model)[number]
            comes_up = not was_up and verdicts(c, next_look(at), rules, model)[number][0]
            assert seen.matters or (is_up == was_up and not comes_up)


def test_an_alert_that_is_looked_at_every_week_ends_after_a_year_without_a_word() -> None:
    rules, model = Rules(), Model(0, Population(), SILENT, None)
    core = core_with(rules, model, [(7, 12)])
    outputs, at = list[Output](), next_look(day(77))
    while at < day(1000):
        while (due := core.next_due()) is not None and due <= at:
            outputs += core.advance(due)
        outputs += core.look(at, core.known)
        at = next_look(at)
    raised, *_, last = alerts(outputs)
    assert isinstance(last.data, AttritionAlertCleared)
    assert last.time - raised.time == timedelta(days=365)


def test_the_parts_of_a_risk_are_silence_and_what_else_has_moved_it() -> None:
    slopes = tuple(0.1 * (n % 5 - 1) + (n == OFFSET) for n in range(len(NAMES)))
    model, rules = Model(0, Population(), bounded(slopes), bounded(slopes)), Rules()
    c, at = newcomer("c-1", day(0)), day(160)
    for o in every(9, "purchase", 0, 100):
        record(c, o, rules)
    silence, *others = parts_of_risk(c, at, rules, model)
    assert [0, 0] == others
    assert silence == pytest.approx(lift(c, at, rules, model), abs=1e-9)
    before = log_odds(risk_of(c, at, rules, model))
    c.changes = (4.0, 0.0, 9.0, 0.0, 5.0, 12.0)
    record(c, observation("complaint", 120.4), rules)
    same, changed, complaints = parts_of_risk(c, at, rules, model)
    assert same == silence
    assert min(abs(changed), abs(complaints)) > 1e-4
    assert changed + complaints == pytest.approx(log_odds(risk_of(c, at, rules, model)) - before, abs=1e-9)


def risk_of(c: Customer, at: int, rules: Rules, model: Model) -> float:
    risk_ = risk_at(c, at, rules, model)
    assert risk_ is not None
    return risk_


def core_with(rules: Rules, model: Model, customers: list[tuple[int, int]]) -> Core:
    core = Core(rules)
    core.known = Known(model, Calendar({}))
    bought: list[Observation] = [
        purchase(n * gap, customer=f"c-{i}") for i, (gap, number) in enumerate(customers) for n in range(number)
    ]
    for o in sorted(bought, key=lambda o: o.at):
        core.observe(o)
    return core


def bounded(weights_: tuple[float, ...]) -> Regression:
    return Regression(weights_, (-10.0,) * len(NAMES), (10.0,) * len(NAMES))

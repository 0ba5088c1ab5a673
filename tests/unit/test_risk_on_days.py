"""`tenure backtest --on DAY`: was everybody's risk at the end of a day right?"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from cli.backtesting.risk_on_days import Figures, RiskOnDays
from cli.data import STORY
from cli.main import app
from services.analytics.outcomes import Past
from services.analytics.replay import Score
from tests.unit.attrition import day

HORIZON = 30
BOUGHT, LAPSED = [day(40), day(80)], [day(40)]  # about the 60th day

risks = st.floats(0, 1).map(lambda risk: round(risk, 2))
bases = st.lists(st.tuples(risks, st.booleans()), max_size=40)  # risk, whether the customer lapses


def date(number: int) -> datetime:
    return datetime.fromtimestamp(day(number) / 1e6, UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def figures(
    scores: Sequence[Score], bought: Mapping[str, Sequence[int]], *days: int, until: float = 200
) -> list[Figures]:
    on = RiskOnDays([date(number) for number in days])
    for score in scores:
        on.take(score)
    return list(on.figures(Past(bought, until=day(until), horizon_days=HORIZON)))


def of(base: Sequence[tuple[float, bool]]) -> Figures:
    """Of one day, on which customers have these risks and lapse or do not."""
    scores = [Score(f"c-{n}", day(60), risk) for n, (risk, _) in enumerate(base)]
    bought = {f"c-{n}": LAPSED if lapses else BOUGHT for n, (_, lapses) in enumerate(base)}
    [found] = figures(scores, bought, 60)
    return found


def test_the_figures_are_those_worked_out_by_hand() -> None:
    found = of([(0.9, True), (0.6, False), (0.4, True), (0.1, False)])
    assert (4, 0.5, 0.75) == (found.customers, found.lapsed, found.auc)
    assert (0.01 + 0.36 + 0.36 + 0.01) / 4 == pytest.approx(found.brier)
    assert (0.1 + 0.6 + 0.6 + 0.1) / 4 == pytest.approx(found.ece)


@given(bases)
def test_auc_is_the_share_of_pairs_in_which_who_lapsed_had_the_higher_risk(base: list[tuple[float, bool]]) -> None:
    pairs = [(one, two) for one, lapsed in base if lapsed for two, stayed in base if not stayed]
    expected = sum((one > two) + (one == two) / 2 for one, two in pairs) / len(pairs) if pairs else None
    assert of(base).auc == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.booleans(), min_size=1))
def test_who_says_nothing_but_the_truth_is_never_wrong(lapses: list[bool]) -> None:
    found = of([(float(lapsed), lapsed) for lapsed in lapses])
    assert (0.0, 0.0) == (found.brier, found.ece)


def test_the_last_score_of_the_week_before_the_end_of_the_day_counts() -> None:
    old, seen, last, after = (
        Score("a", day(60 + days), risk) for days, risk in ((-8, 0.1), (-2, 0.2), (0, 0.3), (1, 1))
    )
    assert [0.49] == [pytest.approx(f.brier) for f in figures([old, seen, last, after], {"a": LAPSED}, 60)]
    assert [0.64] == [pytest.approx(f.brier) for f in figures([old, seen, after], {"a": LAPSED}, 60)]
    assert [0] == [f.customers for f in figures([old, after], {"a": LAPSED}, 60)]


def test_whoever_has_not_bought_within_the_horizon_is_not_asked_about() -> None:
    scores = [Score("gone", day(60), 0.9), Score("here", day(60), 0.5)]
    [found] = figures(scores, {"gone": [day(29)], "here": [day(31)]}, 60)
    assert 1 == found.customers


def test_a_day_whose_horizon_is_not_over_is_not_judged() -> None:
    end = 60 + HORIZON
    scores = [Score("a", day(60), 0.5)]
    assert [] == figures(scores, {"a": LAPSED}, 60, until=end - 1)
    assert 1 == len(figures(scores, {"a": LAPSED}, 60, until=end + 1))


def test_days_are_told_of_one_by_one_and_together() -> None:
    scores = [Score("a", day(60), 0.9), Score("b", day(60), 0.2), Score("a", day(67), 0.3), Score("b", day(67), 0.8)]
    bought = {"a": LAPSED, "b": BOUGHT}
    first, second, together = figures(scores, bought, 60, 67)
    assert [f"{date(60):%Y-%m-%d}", f"{date(67):%Y-%m-%d}", "together"] == [first.on, second.on, together.on]
    assert (1.0, 0.0, 0.5) == (first.auc, second.auc, together.auc)
    assert together.customers == first.customers + second.customers
    assert together.brier == pytest.approx((0.025 + 0.565) / 2)


def backtest(*options: str) -> Result:
    return CliRunner().invoke(app, ["backtest", "--events", str(STORY), *options])


def test_the_command_tells_people_and_programs_and_says_of_which_day_nothing_is_known() -> None:
    said = backtest("--on", "1997-12-31", "--on", "1998-06-29")
    assert 0 == said.exit_code
    assert "1998-06-29: its horizon ends after the history" in said.stderr
    line = next(line for line in said.stdout.splitlines() if line.startswith("1997-12-31"))
    [document] = json.loads(backtest("--json", "--on", "1997-12-31").stdout)["risk_on"]
    assert f"{document['brier']:.4f}" in line
    assert document["customers"] > 3

"""Thresholds of the risk: by segment, or as high as it takes for alerts to be looked after."""

from dataclasses import replace

import msgspec

from services.analytics.population.model import unfitted
from services.analytics.population.part import Part
from services.analytics.population.refit import Refit
from services.analytics.population.segments import Segments
from services.analytics.record import newcomer
from services.analytics.rules import Rules, read_rules
from services.analytics.silence import thresholds
from services.analytics.state import WEEK
from tests.unit.attrition import BEGINNING
from tests.unit.population import row

WEEK_0 = -(-BEGINNING // WEEK) * WEEK + 60 * WEEK
LIMITED = Rules(name="limited", most_a_week=10)


def threshold(rules: Rules, *candidates: list[int]) -> float | None:
    """Of the result, where so many partitions told of so many candidates."""
    refit = Refit(rules, len(candidates))
    rows = [row(f"c-{n:03}", n % 40, 300 + n % 60, 5) for n in range(60)]
    for number, counts in enumerate(candidates):
        own = rows if number == 0 else []
        refit.take_part(Part(rules.name, WEEK_0, number, True, len(own), 1, own, Segments(), counts))
    result = refit.due()
    assert result is not None
    assert result.model is not None
    return result.model.threshold


def counts(**of: int) -> list[int]:
    """By hundredths, such as r70=3."""
    found = [0] * 100
    for name, number in of.items():
        found[int(name[1:])] = number
    return found


def test_no_more_candidates_are_told_than_can_be_looked_after_the_highest_risks_first() -> None:
    assert 0.71 == threshold(LIMITED, counts(r60=4, r70=5, r80=6, r90=2))
    assert 0.91 == threshold(LIMITED, counts(r90=11))


def test_where_all_can_be_looked_after_there_is_no_other_threshold() -> None:
    assert threshold(LIMITED, counts(r60=4, r90=6)) is None
    assert threshold(replace(LIMITED, most_a_week=None), counts(r90=5000)) is None


def test_candidates_of_all_partitions_share_the_room() -> None:
    assert 0.61 == threshold(LIMITED, counts(r60=2, r80=5), [], counts(r60=1, r95=3)[:96])


def test_a_threshold_of_the_base_counts_for_everybody_and_one_of_a_segment_for_its_customers() -> None:
    rules = read_rules('name = "ours"\n[risk_raise_of]\ntrade = 0.9\n')
    customers = {segment: newcomer("c-1", BEGINNING) for segment in ("trade", "private")}
    for segment, c in customers.items():
        c.segment = segment
    usual, full = unfitted(rules), msgspec.structs.replace(unfitted(rules), threshold=0.85)
    assert {"trade": (0.9, 0.9), "private": (0.5, 0.8)} == {
        s: thresholds(c, rules, usual) for s, c in customers.items()
    }
    assert {"trade": (0.9, 0.9), "private": (0.85, 0.85)} == {
        s: thresholds(c, rules, full) for s, c in customers.items()
    }

"""Falls of a segment that are planted are found in the log itself, event by event, with all that judges customers at
work; and hardly anything else is. `test_portfolio.py` says the same of weekly figures, of more kinds of bases."""

from collections.abc import Iterator
from functools import cache

import pytest

from services.analytics.state import DAY
from shared.contracts.segments import SegmentAlert, SegmentAlertRaised, SegmentSign
from shared.contracts.values import to_micros
from tests.unit.attrition import BEGINNING, day
from tests.unit.bases import happened, told_of_segments
from tests.unit.planted import DAYS, fall, plant
from tests.unit.portfolio import false_alarms_a_year

pytestmark = pytest.mark.long
SEEDS = range(24)
FOUND_WITHIN = 120  # days


@cache
def said() -> dict[int, list[SegmentAlert]]:
    """By seed: of a base of 2,000 customers, of which one segment falls by 35 % within 90 days."""
    return {seed: told_of_segments(happened(plant(seed, fall(seed))), until=day(DAYS)) for seed in SEEDS}


def raised(seed: int, sign: SegmentSign, key: str) -> Iterator[float]:
    """Days."""
    for alert in said()[seed]:
        if alert.TYPE == SegmentAlertRaised.TYPE and (alert.sign, alert.segment) == (sign, key):
            yield (to_micros(alert.as_of) - BEGINNING) / DAY


@pytest.mark.parametrize("sign", SegmentSign)
def test_at_least_twenty_of_twenty_four_falls_by_a_third_are_found(sign: SegmentSign) -> None:
    found = 0
    for seed in SEEDS:
        planted = fall(seed)
        assert isinstance(planted.who, str)
        found += any(planted.day <= when <= planted.day + FOUND_WITHIN for when in raised(seed, sign, planted.who))
    assert found >= 20


@pytest.mark.parametrize("sign", SegmentSign)
def test_there_is_at_most_one_false_alarm_in_ten_years_of_a_segment(sign: SegmentSign) -> None:
    assert false_alarms_a_year(SEEDS, lambda seed, key: raised(seed, sign, key)) <= 0.1

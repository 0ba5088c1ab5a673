"""How sure may one be of a sign? In bases with planted changes, P(change) is held against what has truly changed.

A probability is right only where paces change about as often as in the bases that the rules were made for: a fifth of
the customers changes in a year and a half, in each stream.
"""

import numpy as np
import pytest

from shared.contracts.analytics import Sign
from tests.unit.changed import STREAMS, Judged, false_in_1000_months, judged_base, judged_on
from tests.unit.planted import Shape, plant

SEEDS = (2, 3, 4)
SHAPE = Shape(customers=600, there_from_the_start=0.8, rush=0)  # where it begins in a rush, a season is learnt too late
MOST_FALSE = 6  # in 1,000 months of unchanged customers; 5 are meant, in five kinds of bases of six
MOST_FALSE_OF_ONE = 7  # a base of this size gives 0 to 8 by chance


@pytest.fixture(scope="module")
def bases() -> list[Judged]:
    return [judged_base(seed, SHAPE) for seed in SEEDS]


def test_of_signs_said_to_be_so_sure_about_that_share_is_true(bases: list[Judged]) -> None:
    said = [(*next(iter(days.items())), judged.changed[key]) for judged in bases for key, days in judged.told.items()]
    sure, is_true = np.array([p for _, p, _ in said]), np.array([since <= at for at, _, since in said])
    bands = np.minimum(np.floor(sure * 10), 9)
    judgeable = [band for band in range(10) if (bands == band).sum() >= 60]
    assert [*range(5, 10)] == judgeable
    for band in judgeable:
        inside = bands == band
        assert is_true[inside].mean() == pytest.approx(sure[inside].mean(), abs=0.15), f"from .{band}"


@pytest.mark.parametrize("sign", STREAMS)
def test_customers_who_have_not_changed_give_few_signs(bases: list[Judged], sign: Sign) -> None:
    assert false_in_1000_months(bases, sign) <= MOST_FALSE


def test_who_always_buys_now_for_little_and_now_for_much_is_told_of_no_more_often() -> None:
    shape = Shape(customers=600, there_from_the_start=0.8, rush=0, unequal=0.5)
    judged = judged_on(plant(SEEDS[0], shape=shape), [{}] * shape.customers)
    assert false_in_1000_months([judged], Sign.VOLUME_DECLINE) <= MOST_FALSE_OF_ONE

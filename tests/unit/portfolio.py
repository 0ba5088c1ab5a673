"""How tests of segments speak: weekly figures of a planted base, and what a portfolio says of them."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from services.analytics.population.portfolio import LEAST, UNIT, WHOLE, Figures, Move, Portfolio, total
from services.analytics.rules import Population
from services.analytics.state import WEEK
from tests.unit.planted import DAYS, SEGMENTS, Planted, fall

WEEKS = DAYS // 7
PUBLISHED = Population()
Week = Mapping[str, Figures]


def weekly(base: Planted) -> list[Week]:
    """As partitions tell them: of customers who had bought before the week, up to the rounding of a logarithm."""
    purchases, customers = base.streams["purchase"], len(base.segment)
    some = purchases.day < WEEKS * 7
    occasions, place = np.unique(purchases.customer[some] * DAYS + purchases.day[some], return_inverse=True)
    who, day = occasions // DAYS, occasions % DAYS
    first = np.full(customers, DAYS)
    np.minimum.at(first, who, day)
    count, spent = np.zeros((customers, WEEKS)), np.zeros((customers, WEEKS))
    np.add.at(count, (who, day // 7), 1)
    np.add.at(spent, (who, day // 7), np.bincount(place, weights=purchases.amount[some]))
    before, past = np.cumsum(count, axis=1) - count, np.cumsum(spent, axis=1) - spent
    rate = (PUBLISHED.r + before - 1) / (PUBLISHED.alpha_days + np.maximum(0, np.arange(WEEKS) * 7 - first[:, None]))
    chance = np.where(before > 0, -np.expm1(-7 * rate), 0.0)
    ticket = past // np.maximum(1, before)
    value = np.minimum(spent, 4 * ticket * count) * (before > 0)
    columns = (before > 0, (before > 0) & (count > 0), np.rint(chance * UNIT), value, np.rint(chance * ticket))
    by_segment = {
        name: np.stack([column[base.segment == name].sum(axis=0) for column in columns], axis=1) for name in SEGMENTS
    }
    return [whole({name: Figures(*map(int, table[n])) for name, table in by_segment.items()}) for n in range(WEEKS)]


def whole(segments: Week) -> Week:
    """The segments, and the sum of them."""
    return {**segments, WHOLE: total(segments.values())}


def watched(weeks: Iterable[Week | None]) -> list[Move]:
    """All that is said of them; the first week ends on day 7."""
    portfolio, said = Portfolio(), list[Move]()
    for number, figures in enumerate(weeks, 1):
        portfolio, moves = portfolio.after(number * WEEK, figures)
        said += moves
    return said


def false_alarms_a_year(seeds: Iterable[int], raised: Callable[[int, str], Iterable[float]]) -> float:
    """Of a segment, in bases of which one falls (`planted.fall`). `raised`: of a seed and a segment, on which days."""
    false, days = 0, 0
    for seed in seeds:
        planted = fall(seed)
        for key in SEGMENTS:
            until = planted.day if key == planted.who else DAYS
            false += sum(when < until for when in raised(seed, key))
            days += until - LEAST * 7
    return false / (days / 365)

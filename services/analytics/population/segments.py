"""What did the customers of each segment do in the week that has just ended, and what was to be expected of them?

Exact integers, one customer after another, so that sums are the same however customers are spread over partitions. What
is expected of a customer follows from what was known before the week, and from figures that never change under one
version of the rules: a model that is fitted anew moves nothing here.
"""

import math
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

import msgspec

from services.analytics.population.portfolio import UNIT, WHOLE, Figures, Move, total
from services.analytics.rules import Rules
from services.analytics.state import DAY, WEEK, Customer
from shared.contracts.segments import (
    SegmentAlert,
    SegmentAlertCleared,
    SegmentAlertRaised,
    segment_alert_bytes,
    segment_alert_id,
    subject_of,
)
from shared.contracts.values import format_time, from_micros

MOST_SEGMENTS = 512  # of a part: who has more has no segments, but another name for customers
MOST_WATCHED = 32  # of the base, the largest
MOST_VALUE = 2**40  # minor units, of one customer in a week, so that sums stay what a machine word holds


class SegmentOut(msgspec.Struct, frozen=True, gc=False):
    """A message for `attrition.alerts` about a segment; the key is its subject."""

    subject: str
    value: bytes


class SegmentRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One segment of a partition. `segment`: empty for all customers of the partition together."""

    segment: str
    customers: int
    buyers: int
    expected: int
    value: int
    expected_value: int


class Segments(msgspec.Struct, frozen=True, gc=False):
    """Of one in so many segments, by a hash of the name, in order of name; WHOLE is always there."""

    one_in: int = 1
    rows: list[SegmentRow] = []


def segments_of(customers: Iterable[Customer], week: int, rules: Rules) -> Segments:
    """In the week that ends at `week`, micros."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for customer in customers:
        if (figures := figures_of(customer, week, rules)) is not None:
            so_far = sums[customer.segment or WHOLE]
            so_far[0] += 1
            so_far[1] += figures.buyers
            so_far[2] += figures.expected
            so_far[3] += figures.value
            so_far[4] += figures.expected_value
    if sums:
        sums[WHOLE] = [sum(column) for column in zip(*sums.values(), strict=True)]  # also who is in no segment
    one_in, names = _chosen(sums)
    return Segments(one_in, [SegmentRow(name, *sums[name]) for name in names])


def figures_of(c: Customer, week: int, rules: Rules) -> Figures | None:
    """None of a customer who had no occasion before the week that ends at `week`, micros."""
    seen = None if c.occasions is None else c.occasions.week_before(week)
    if c.occasions is None or seen is None:
        return None
    age_days = max(0, (week - WEEK) // DAY - c.occasions.first // DAY)
    expected = _expected(seen.before, age_days, rules.population.r, rules.population.alpha_days)
    ticket = seen.spent_before // seen.before
    value = min(MOST_VALUE, seen.spent, int(rules.ticket_cap * ticket * seen.occasions))
    return Figures(1, seen.occasions > 0, expected, value, min(MOST_VALUE, round(expected * ticket / UNIT)))


@lru_cache(maxsize=65_536)
def _expected(occasions: int, age_days: int, r: float, alpha_days: float) -> int:
    """P(an occasion within a week) at the rate shrunken towards the base's, (r + x) / (alpha + T), times UNIT. One
    number after another: many at once may be rounded otherwise, by their place in the row."""
    rate = (r + occasions - 1) / (alpha_days + age_days)
    return round(-math.expm1(-7 * rate) * UNIT)


def together(parts: Collection[Segments]) -> Mapping[str, Figures]:
    """The segments of the whole base that are watched, and all its customers, by WHOLE."""
    by_segment: dict[str, list[Figures]] = defaultdict(list)
    for row in (row for part in parts for row in part.rows):
        figures = Figures(row.customers, row.buyers, row.expected, row.value, row.expected_value)
        by_segment[row.segment].append(figures)
    _, names = _chosen(by_segment, max((part.one_in for part in parts), default=1))
    sums = {name: total(by_segment[name]) for name in names}
    whole = sums.pop(WHOLE, Figures())
    largest = sorted(sums, key=lambda name: (-sums[name].customers, name))[:MOST_WATCHED]
    return {WHOLE: whole, **{name: sums[name] for name in largest}}


def told(move: Move, rules: Rules) -> SegmentOut:
    """What is published of it."""
    segment = None if move.key == WHOLE else move.key
    kind: type[SegmentAlert] = SegmentAlertRaised if move.is_up else SegmentAlertCleared
    as_of, raised = from_micros(move.week), from_micros(move.raised)
    data = kind(
        alert=segment_alert_id(rules.name, segment, move.sign, format_time(raised)),
        segment=segment,
        sign=move.sign,
        since=from_micros(move.since),
        observed=round(move.observed, 3),
        expected=round(move.expected, 3),
        strength=round(move.strength, 6),
        probability=round(move.probability, 6),
        rules=rules.name,
        as_of=as_of,
    )
    return SegmentOut(subject_of(segment), segment_alert_bytes(data))


def _chosen(names: Iterable[str], one_in: int = 1) -> tuple[int, list[str]]:
    """The least power of two from `one_in` on that leaves not more than MOST_SEGMENTS, so that it is the same for the
    whole base however many partitions there are."""
    some = [name for name in names if _is_chosen(name, one_in)]
    while len(some) > MOST_SEGMENTS:
        one_in *= 2
        some = [name for name in some if _is_chosen(name, one_in)]
    return one_in, sorted(some)


def _is_chosen(name: str, one_in: int) -> bool:
    return name == WHOLE or zlib.crc32(name.encode()) % one_in == 0

"""What partitions tell of segments, and what is published: the same however customers are spread, live and in a
back-test."""

import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.backtesting.files import Told
from services.analytics.core import Core, Observation
from services.analytics.population.part import Sample, part_of
from services.analytics.population.portfolio import UNIT, WHOLE, Figures
from services.analytics.population.refit import Refit
from services.analytics.population.segments import (
    MOST_SEGMENTS,
    MOST_WATCHED,
    SegmentOut,
    SegmentRow,
    Segments,
    segments_of,
    together,
)
from services.analytics.record import newcomer, record
from services.analytics.replay import Replay
from services.analytics.rules import Rules
from services.analytics.state import DAY, WEEK, Customer
from shared.contracts.segments import SegmentAlertRaised, SegmentSign, read_segment_alert
from shared.contracts.values import format_time, from_micros
from tests.unit.planted import Change, Planted, Shape, plant
from tests.unit.population import inbound
from tests.unit.portfolio import WEEKS, weekly

RULES = Rules()
BASE = 2800 * WEEK  # a Thursday, the first day of every base here
FEW = 48  # customers: too few for a model of their own, so nothing is fitted


def observation(customer: str, day: int, amount: int = 5000, segment: str | None = None) -> Observation:
    at = BASE + day * DAY + DAY // 2
    return Observation(customer, at, "purchase", f"shop|{customer}-{day}", amount_minor=amount, currency="EUR",
                       segment=segment)  # fmt: skip


def remembered(base: Planted) -> Iterator[tuple[int, list[Customer]]]:
    """The week that has just ended, and everybody as they were then."""
    purchases, number = base.streams["purchase"], 0
    known: dict[int, Customer] = {}
    for week in range(WEEKS):
        while number < len(purchases.day) and purchases.day[number] < 7 * week + 7:
            who, day, amount = (int(column[number]) for column in (purchases.customer, purchases.day, purchases.amount))
            seen = observation(f"c-{who:05}", day, amount, str(base.segment[who]))
            record(known.setdefault(who, newcomer(seen.customer, seen.at)), seen, RULES)
            number += 1
        yield week, list(known.values())


def test_what_is_told_of_a_week_is_what_happened_in_it() -> None:
    base = plant(5, shape=Shape(customers=200))
    expected = weekly(base)
    for week, customers in remembered(base):
        told = together([segments_of(customers, BASE + (week + 1) * WEEK, RULES)])
        for key, figures in told.items():
            wanted = expected[week][key]
            assert (figures.customers, figures.buyers) == (wanted.customers, wanted.buyers)
            assert figures.value == pytest.approx(wanted.value, abs=figures.customers)
            assert figures.expected == pytest.approx(wanted.expected, abs=figures.customers)
            assert figures.expected_value == pytest.approx(wanted.expected_value, abs=figures.customers)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10_000)), min_size=1).map(sorted), st.integers(0, 7))
def test_a_week_is_told_of_by_what_is_remembered_of_the_last_two(bought: Sequence[tuple[int, int]], later: int) -> None:
    """Also when the first of the week after it has been seen already."""
    c, days = newcomer("c", BASE), sorted({day for day, _ in bought})
    for day, amount in bought:
        record(c, observation("c", day, amount), RULES)
    last = days[-1] // 7 * 7 - (7 if later == 0 else 0)  # the week of the last day, or the one before it
    assert c.occasions is not None
    seen = c.occasions.week_before(BASE + (last + 7) * DAY)
    if not any(day < last for day in days):
        assert seen is None
        return
    within = range(last, last + 7)
    assert seen == (
        sum(day in within for day in days),
        sum(amount for day, amount in bought if day in within),
        sum(day < last for day in days),
        sum(amount for day, amount in bought if day < last),
    )


def test_who_comes_for_the_first_time_was_not_expected() -> None:
    c = newcomer("c", BASE)
    record(c, observation("c", 3), RULES)
    assert [] == segments_of([c], BASE + WEEK, RULES).rows
    [row] = segments_of([c], BASE + 2 * WEEK, RULES).rows
    assert (WHOLE, 1, 0) == (row.segment, row.customers, row.buyers)
    assert 0 < row.expected < UNIT


def test_one_order_of_another_size_does_not_make_a_week() -> None:
    c = newcomer("c", BASE)
    for day, amount in ((0, 1000), (8, 900_000)):
        record(c, observation("c", day, amount), RULES)
    [row] = segments_of([c], BASE + 2 * WEEK, RULES).rows
    assert round(RULES.ticket_cap * 1000) == row.value


def test_names_without_end_are_left_out_by_their_hash_and_the_whole_base_stays_whole() -> None:
    def customer(number: int) -> Customer:
        c = newcomer(f"c-{number}", BASE)
        record(c, observation(c.id, 0, segment=f"s-{number}"), RULES)
        return c

    many = [customer(number) for number in range(3 * MOST_SEGMENTS)]
    end = BASE + 2 * WEEK
    told = segments_of(many, end, RULES)
    assert len(told.rows) <= MOST_SEGMENTS
    assert len(many) == together([told])[WHOLE].customers
    assert len(together([told])) == MOST_WATCHED + 1
    split = [segments_of([c for n, c in enumerate(many) if n % 7 % 3 == k], end, RULES) for k in range(3)]
    assert together([told]) == together(split), "also where a partition has few enough to tell of all"


def test_the_largest_segments_of_the_whole_base_are_watched() -> None:
    rows = [SegmentRow(f"s-{n:02}", n, 0, 0, 0, 0) for n in range(40)]
    watched = together([Segments(1, some) for some in (rows[:30], rows[20:], [SegmentRow(WHOLE, 9, 9, 9, 9, 9)])])
    assert Figures(9, 9, 9, 9, 9) == watched[WHOLE]
    assert {f"s-{n:02}" for n in range(8, 40)} | {WHOLE} == set(watched)
    assert Figures(50) == watched["s-25"], "of both partitions"


def shop(week: int) -> list[Observation]:
    """Everybody buys three times a week; from the 60th week on half of segment A stays away."""
    return [
        observation(f"c-{n:02}", 7 * week + day, 2000 + 100 * n, "AB"[n % 2])
        for day in (1, 3, 5)
        for n in range(FEW)
        if week < 60 or n % 4
    ]


def live(partitions: int, weeks: int) -> list[SegmentOut]:
    """As partitions and the owner of the topic have it."""
    cores, refit, said = [Core(RULES) for _ in range(partitions)], Refit(RULES, partitions), list[SegmentOut]()
    for week in range(weeks):
        end = BASE + (week + 1) * WEEK
        for seen in shop(week):
            cores[int(seen.customer[2:]) % partitions].observe(seen)
        for number, core in reversed([*enumerate(cores)]):
            refit.take_part(core.part(end, number=number, is_first=week == 0))
        said += refit.alerts()
        result = refit.due()
        assert result is not None
        refit.take_result(result)
    return said


def backtested(weeks: int) -> list[SegmentOut]:
    replay = Replay(RULES, is_scored=False)
    for week in range(weeks):
        for seen in shop(week):
            data = {"amount_minor": seen.amount_minor, "currency": seen.currency, "segment": seen.segment}
            event = {"specversion": "1.0", "id": seen.evidence, "source": "shop", "type": "tenure.purchase.v1",
                     "subject": seen.customer, "time": format_time(from_micros(seen.at)), "data": data}  # fmt: skip
            replay.take(inbound(json.dumps(event).encode()))
    end = BASE + weeks * WEEK + 1
    return [output for output in replay.advance(end) if isinstance(output, SegmentOut)]


def test_alerts_about_segments_are_the_same_bytes_on_any_number_of_partitions_and_in_a_back_test() -> None:
    one = live(1, 68)
    assert one == live(3, 68)
    assert one == backtested(68)
    alerts = [read_segment_alert(out.value) for out in one]
    assert {("A", sign, SegmentAlertRaised.TYPE) for sign in SegmentSign} == {
        (alert.segment, alert.sign, alert.TYPE) for alert in alerts
    }
    assert {"segment/A"} == {out.subject for out in one}
    assert {from_micros(BASE + 60 * WEEK)} == {alert.since for alert in alerts}


def test_a_back_test_writes_a_line_for_each_alert_about_a_segment_that_is_raised() -> None:
    told, outputs = Told(), live(1, 68)
    lines = [json.loads(line) for output in outputs for line in told.lines(output)]
    assert {sign.value: 1 for sign in SegmentSign} == told.segments
    assert {("segment", "A", sign.value) for sign in SegmentSign} == {
        (line["scope"], line["key"], line["sign"]) for line in lines
    }
    assert all(line["time"] > line["since"] and line["strength"] > 0 for line in lines)


def test_a_planted_fall_is_told_of_from_events() -> None:
    base = plant(2, Change("A", 420, 0.4), shape=Shape(customers=700))
    refit, said = Refit(RULES, 1), list[SegmentOut]()
    for week, customers in remembered(base):
        end = BASE + (week + 1) * WEEK
        rows = segments_of(customers, end, RULES)
        refit.take_part(part_of(Sample(), 0, rows, [], RULES, week=end, number=0, is_first=week == 0))
        said += refit.alerts()
        result = refit.due()
        assert result is not None
        refit.take_result(result)
    first = read_segment_alert(said[0].value)
    assert "A" == first.segment
    assert 420 <= (first.as_of - from_micros(BASE)).days <= 500

"""The whole base, week by week: who answers, and when."""

from dataclasses import replace

import pytest

from services.analytics.population.part import MOST_ROWS, Part, Result, skipped
from services.analytics.population.results import OtherRules
from services.analytics.population.segments import MOST_SEGMENTS, MOST_WATCHED, SegmentRow
from services.analytics.population.wire import key_of, part_bytes
from services.analytics.rules import Rules
from shared.contracts.segments import SegmentSign, read_segment_alert
from shared.contracts.values import MAX_CUSTOMER_ID, format_time, from_micros
from shared.kafka_publisher import MAX_BATCH_BYTES
from shared.topics import ALERTS, DEAD_LETTER_MAX_BYTES, POPULATION, partition_of
from tests.wiring.breaking import Died, Steps
from tests.wiring.operators import said_to_operators
from tests.wiring.whole_base import FIRST, RULES, Owner, Topic, at, part

SKIPPED = skipped(RULES, FIRST)


@pytest.fixture
def topic() -> Topic:
    return Topic()


async def test_a_week_is_answered_when_all_parts_are_there(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0, ids=["a"]))
    await owner.work()
    assert [] == topic.weeks()
    topic.say(part(0, 1, ids=["b"]))
    await owner.work()
    [result] = topic.results()
    assert (FIRST, 2, True) == (result.week, result.customers, result.model is not None)


async def test_the_next_week_follows_when_the_one_before_it_stands_in_the_topic(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0), part(0, 1), part(1, 0), part(1, 1))
    await owner.work()
    assert [0, 1] == topic.weeks()


async def test_a_partition_whose_first_part_is_of_a_later_week_is_not_waited_for(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0), part(1, 1, is_first=True))
    await owner.work()
    assert [0] == topic.weeks()


async def test_parts_that_come_again_change_nothing(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0, ids=["a"]), part(0, 0, ids=["a"]), part(0, 1), part(0, 1))
    await owner.work()
    assert [1] == [result.customers for result in topic.results()]


async def test_a_part_that_comes_after_its_result_is_dropped(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0), SKIPPED, part(0, 1, ids=["late"]), part(1, 0), part(1, 1))
    await owner.work()
    assert [(0, 0), (1, 0)] == list(zip(topic.weeks(), [r.customers for r in topic.results()], strict=True))


async def test_what_other_rules_say_is_passed_over(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0), part(0, 1, rules=Rules(name="other")))
    await owner.work()
    assert [] == topic.weeks()


async def test_where_the_name_of_the_rules_has_stood_for_other_figures_nobody_goes_on(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0, rules=replace(RULES, risk_raise=0.6)))
    with pytest.raises(OtherRules, match="rules 'r1' with other figures have judged this log: give these another name"):
        await owner.work()


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff", b'{"type":"tenure.of-tomorrow.v1","data":{}}'])
async def test_what_cannot_be_read_stops_nobody(topic: Topic, value: bytes) -> None:
    owner = Owner(topic)
    topic.broker.append(POPULATION, 0, b"key", value)
    topic.say(part(0, 0), part(0, 1))
    await owner.work()
    assert {FIRST} == owner.known.by_week.keys()


async def test_in_wall_time_a_week_is_given_up_an_hour_before_anybody_has_to_stand_still_for_it(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0))
    topic.now = at(0, hours=22, minutes=59)
    await owner.work()
    assert [] == topic.results()
    topic.now = at(0, hours=23)
    await owner.work()
    assert [SKIPPED] == topic.results()


async def test_a_week_is_given_up_once(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0))
    topic.now = at(0, hours=23)
    await owner.work()
    await owner.job.look()
    await owner.work()
    assert [SKIPPED] == topic.results()


async def test_after_a_standstill_the_parts_are_given_an_hour_from_the_first_one_on(topic: Topic) -> None:
    owner = Owner(topic)
    topic.now = at(3)
    topic.say(part(0, 0))
    topic.now = at(3, minutes=59)
    await owner.work()
    assert [] == topic.results()
    topic.now = at(3, minutes=60)
    await owner.work()
    assert [SKIPPED] == topic.results()


async def test_in_history_nothing_is_given_up(topic: Topic) -> None:
    owner = Owner(topic, history=True)
    topic.say(part(0, 0))
    topic.now = at(52)
    await owner.work()
    assert [] == topic.results()


async def test_the_model_before_a_week_that_was_given_up_stays(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0), part(0, 1))
    await owner.work()
    topic.now = at(1)
    topic.say(part(1, 0))
    topic.now = at(1, hours=23)
    await owner.work()
    topic.say(part(2, 0), part(2, 1))
    await owner.work()
    first, second, third = topic.results()
    assert (None, first.model) == (second.model, third.model)


async def test_nothing_is_given_up_before_the_topic_has_been_read(topic: Topic) -> None:
    topic.say(part(0, 0), part(0, 1))
    topic.now = at(5)
    owner = Owner(topic)
    await owner.job.handle(topic.broker.records(POPULATION)[:1])
    await owner.job.look()
    assert [] == topic.results()


async def test_a_successor_goes_on_where_the_first_owner_was_and_says_nothing_again(topic: Topic) -> None:
    topic.say(part(0, 0), part(0, 1), part(1, 0), part(1, 1))
    await Owner(topic).work()
    before = topic.results()
    successor = Owner(topic)
    await successor.work()
    assert before == topic.results()
    topic.say(part(2, 0), part(2, 1))
    await successor.work()
    assert [0, 1, 2] == topic.weeks()


async def test_an_owner_that_is_given_the_topic_again_reads_it_from_the_beginning_and_commits_nothing(
    topic: Topic,
) -> None:
    owner = Owner(topic)
    topic.say(part(0, 0))
    await owner.work()
    await owner.take_over()
    topic.say(part(0, 1))
    assert {} == await owner.job.handle([])
    await owner.work()
    assert [0] == topic.weeks()


async def test_whoever_was_declared_dead_says_the_same_and_the_first_one_counts(topic: Topic) -> None:
    topic.say(part(0, 0, ids=["a"]), part(0, 1))
    zombie, owner = Owner(topic), Owner(topic)
    await owner.work()
    await zombie.work(follows=False)
    first, second = topic.results()
    assert first == second


async def test_of_two_answers_to_a_week_everybody_takes_the_first(topic: Topic) -> None:
    topic.say(part(0, 0, ids=["a"]))
    zombie = Owner(topic)
    topic.now = at(0, hours=23)
    await zombie.work()
    topic.say(part(0, 1), Result(RULES.name, RULES.digest, FIRST, 7, 1, None), part(1, 0), part(1, 1))
    owner = Owner(topic)
    await owner.work()
    assert 0 == owner.known.by_week[FIRST].customers
    assert [0, 0, 1] == topic.weeks()


@pytest.mark.parametrize(("each", "one_in"), [(MOST_ROWS // 2, 1), (MOST_ROWS // 2 + 1, 2)])
async def test_the_log_says_of_how_many_customers_a_fit_is_and_that_it_looked_at_one_in_so_many(
    topic: Topic, each: int, one_in: int
) -> None:
    topic.say(*(part(0, partition, ids=[f"{partition}-{n}" for n in range(each)]) for partition in range(2)))
    with said_to_operators() as logs:
        await Owner(topic).work()
    said = {"week": written(FIRST).decode(), "customers": 2 * each, "one_in": one_in}
    assert [{"event": "population_refitted", "log_level": "info", **said}] == logs
    assert [one_in] == [result.one_in for result in topic.results()]


FALLEN = 62  # weeks after FIRST at the end of which a fall since week 60 is beyond doubt


def told(week: int) -> list[Part]:
    """Two partitions with half of two segments each; from week 60 on, none of one segment buys."""
    rows = [
        SegmentRow("", 500, 50 if week >= 60 else 100, 100 * 2**32, 100 * 50, 100 * 50),
        SegmentRow("A", 250, 0 if week >= 60 else 50, 50 * 2**32, 50 * 50, 50 * 50),
        SegmentRow("B", 250, 50, 50 * 2**32, 50 * 50, 50 * 50),
    ]
    return [part(week, number, segments=rows) for number in range(2)]


async def test_a_segment_that_falls_is_told_of_once_among_the_alerts(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(*(one for week in range(FALLEN) for one in told(week)))
    await owner.work()
    [raised] = topic.broker.records(ALERTS)
    assert b"segment/A" == raised.key
    assert partition_of("segment/A", 2) == raised.partition
    alert = read_segment_alert(raised.value or b"")
    assert ("A", SegmentSign.ACTIVE_BUYERS_DECLINE) == (alert.segment, alert.sign)


def before_the_alert(topic: Topic) -> list[Result]:
    """What was answered in weeks before that of the first alert."""
    raised = topic.alerts()[0]
    results = topic.results()
    return results[: next(n for n, result in enumerate(results) if b"/" + written(result.week) + b'"' in raised)]


async def test_an_owner_that_dies_between_alert_and_result_is_followed_by_one_that_says_the_same(topic: Topic) -> None:
    topic.say(*(one for week in range(FALLEN) for one in told(week)))
    await Owner(topic).work()
    said = topic.alerts()
    again = Topic()
    again.say(*(one for week in range(FALLEN) for one in told(week)), *before_the_alert(topic))
    await Owner(again).work()
    assert said == again.alerts(), "the result of that week was not there yet"
    await Owner(again).work()
    assert said == again.alerts(), "and now it is"


async def test_wherever_an_owner_dies_around_alert_and_result_both_stand_in_the_topics_at_last(topic: Topic) -> None:
    topic.say(*(one for week in range(FALLEN) for one in told(week)))
    await Owner(topic).work()
    for step in range(4):  # alert and result, each published and acknowledged
        broken = Topic(pause=Steps(step))
        broken.say(*(one for week in range(FALLEN) for one in told(week)), *before_the_alert(topic))
        with pytest.raises(Died):
            await Owner(broken).work()
        await Owner(broken).work()
        assert topic.alerts() == list(dict.fromkeys(broken.alerts())), f"dead ahead of step {step}"
        assert topic.weeks() == list(dict.fromkeys(broken.weeks())), f"dead ahead of step {step}"


async def test_of_a_week_that_was_given_up_nothing_is_said(topic: Topic) -> None:
    owner = Owner(topic)
    topic.say(*(one for week in range(60) for one in told(week)), told(60)[0])
    topic.now = at(60, hours=23)
    await owner.work()
    assert 61 == len(topic.results())
    assert [] == topic.alerts()


def written(week: int) -> bytes:
    return format_time(from_micros(week)).encode()


def test_a_part_of_as_many_rows_as_there_may_be_fits_into_a_batch() -> None:
    segments = [SegmentRow(f"segment-{n:03}", 10**6, 10**6, 2**52, 10**12, 10**12) for n in range(MOST_WATCHED)]
    full = part(0, 0, ids=[f"customer-{n:08}" for n in range(MOST_ROWS)], segments=segments)
    assert len(part_bytes(full)) + len(key_of(full)) < MAX_BATCH_BYTES * 0.95


def test_the_longest_names_make_no_part_that_the_topic_cannot_take() -> None:
    names = [f"{n:04}".ljust(MAX_CUSTOMER_ID, "\U0001f600") for n in range(MOST_ROWS)]
    segments = [SegmentRow(name, *[2**62] * 5) for name in names[:MOST_SEGMENTS]]
    full = part(0, 0, ids=names, segments=segments)
    assert len(part_bytes(full)) < DEAD_LETTER_MAX_BYTES

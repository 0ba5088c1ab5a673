"""How many alerts are raised: from which risk on, by segment, and never more in a week than somebody can look after."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace as replace_rules
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.analytics.core import AlertOut, Core, Output
from services.analytics.order import next_stop
from services.analytics.population.model import unfitted
from services.analytics.population.part import DELAY, Candidate, Known, Part, Result, known_as_of, likeliest, next_look
from services.analytics.population.refit import Refit
from services.analytics.population.segments import Segments
from services.analytics.replay import Score, input_of_event
from services.analytics.rules import MOST_PLACES, Rules, read_rules
from services.analytics.state import WEEK
from shared.contracts.analytics import Alert, Sign, read_alert
from shared.contracts.envelope import Inbound
from shared.contracts.values import to_micros
from tests.unit.attrition import BEGINNING, alerts, course, day, every, observation, play
from tests.unit.bases import happened, told
from tests.unit.planted import RATES, Change, Shape, plant
from tests.unit.population import row

WEEK_0 = -(-BEGINNING // WEEK) * WEEK + 60 * WEEK
MOST, UNTIL = 2, 420
LIMITED = Rules(name="limited", most_a_week=MOST)
OPENS = ("tenure.attrition-alert-raised.v1", "tenure.attrition-alert-reopened.v1")
named = st.lists(st.builds(Candidate, st.text(min_size=1, max_size=3), st.sampled_from((0.5, 0.7, 0.9))), max_size=9)


@pytest.fixture(scope="module")
def history() -> list[Inbound]:
    """A base of which every third falls silent on the same day, for a while or for good."""
    silent = [Change(range(0, 120, 3), 250, 0.02, stream=stream) for stream in RATES]
    return happened(plant(7, *silent, shape=Shape(customers=120), streams=list(RATES)), until=UNTIL)


@pytest.fixture(scope="module")
def limited(history: list[Inbound]) -> list[Alert]:
    return judged(history, LIMITED)


@pytest.fixture(scope="module")
def unlimited(history: list[Inbound]) -> list[Alert]:
    return judged(history, Rules())


def judged(history: Sequence[Inbound], rules: Rules) -> list[Alert]:
    return [said for said in told(history, until=day(UNTIL), rules=rules) if not isinstance(said, Score)]


def opened(alerts: Sequence[Alert]) -> Counter[int]:
    """How many alerts, by the look that ends their week."""
    return Counter(next_look(to_micros(alert.data.as_of)) // WEEK for alert in alerts if alert.type in OPENS)


def test_never_more_alerts_are_raised_in_a_week_than_somebody_can_look_after(
    unlimited: list[Alert], limited: list[Alert]
) -> None:
    assert MOST < max(opened(unlimited).values()), "otherwise nothing is limited here"
    assert MOST == max(opened(limited).values())


def test_who_still_shows_a_sign_when_there_is_a_place_again_is_told_of_then(
    unlimited: list[Alert], limited: list[Alert]
) -> None:
    at_once, when = first_opened(unlimited), first_opened(limited)
    later = [who for who in at_once.keys() & when.keys() if when[who] > at_once[who]]
    assert len(later) >= 10


def test_no_place_is_taken_by_who_has_waited_through_the_whole_horizon(
    history: list[Inbound], unlimited: list[Alert], limited: list[Alert]
) -> None:
    at_once, heard = first_opened(unlimited), [(event.time, event.subject) for event in history]
    for who, when in first_opened(limited).items():
        last = max(time for time, subject in heard if subject == who and time <= when)
        is_new = when - at_once.get(who, when) < timedelta(days=15)
        assert is_new or when - last < timedelta(days=LIMITED.horizon_days + 8)


def first_opened(some: Iterable[Alert]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for alert in some:
        if alert.type in OPENS:
            found.setdefault(alert.subject, alert.data.as_of)
    return found


def test_the_number_of_partitions_shows_nowhere(history: list[Inbound], limited: list[Alert]) -> None:
    expected = sorted((alert.id, alert.data) for alert in limited)
    for number in (1, 3):
        assert expected == sorted((alert.id, alert.data) for alert in on_partitions(history, number))


def on_partitions(history: Sequence[Inbound], number: int) -> Iterator[Alert]:
    """What the cores of so many partitions say, each week's parts put together."""
    cores, refit, todo = [Core(LIMITED) for _ in range(number)], Refit(LIMITED, number), list(history)
    results: dict[int, Result] = {}

    def passes(until: int) -> Iterator[Output]:
        while todo and to_micros(todo[0].time) < until:
            event = todo.pop(0)
            core, seen = cores[sum(event.subject.encode()) % number], input_of_event(event)
            assert seen is not None, "all of them are judged"
            yield from core.advance(to_micros(event.time))
            yield from core.take(seen)
        for core in cores:
            yield from core.advance(until - 1)

    def stops(at: int) -> Iterator[Output]:
        if at % WEEK:
            known = known_as_of(results, at - DELAY, LIMITED)
            for core in cores:
                yield from core.look(at, known)
            return
        for place, core in enumerate(cores):
            refit.take_part(core.part(at, number=place, is_first=not results))
        result = refit.due()
        assert result is not None, "all parts are there"
        refit.take_result(result)
        results[at] = result

    said, at = list[Output](), (to_micros(history[0].time) // WEEK + 1) * WEEK
    while at < day(UNTIL):
        said += [*passes(at), *stops(at)]
        at = next_stop(at)
    said += passes(day(UNTIL))
    yield from (read_alert(one.value) for one in said if isinstance(one, AlertOut))


@given(st.lists(named, min_size=1, max_size=3))
def test_of_all_partitions_the_likeliest_have_a_place_in_whatever_order_they_tell(parts: list[list[Candidate]]) -> None:
    told_ = [Candidate(f"{place}-{n}", c.probability) for place, part in enumerate(parts) for n, c in enumerate(part)]
    few = admitted(LIMITED, *[[c for c in told_ if c.customer[0] == str(place)] for place in range(len(parts))])
    assert few == admitted(
        LIMITED, *[[c for c in reversed(told_) if c.customer[0] == str(p)] for p in range(len(parts))]
    )
    assert len(few) == min(MOST, len(told_))
    others = [c.probability for c in told_ if c.customer not in few]
    assert min((c.probability for c in told_ if c.customer in few), default=1.0) >= max(others, default=0.0)
    assert few == {c.customer for c in likeliest(told_, LIMITED)}


def admitted(rules: Rules, *candidates: list[Candidate]) -> frozenset[str]:
    """By the result, where so many partitions told of these candidates."""
    refit = Refit(rules, len(candidates))
    rows = [row(f"c-{n:03}", n % 40, 300 + n % 60, 5) for n in range(60)]
    for number, few in enumerate(candidates):
        own = rows if number == 0 else []
        refit.take_part(Part(rules.name, rules.digest, WEEK_0, number, True, len(own), 1, own, Segments(), few))
    result = refit.due()
    assert result is not None
    assert result.model is not None
    return result.model.admitted


def test_what_is_new_goes_ahead_of_what_has_been_waiting_though_that_is_likelier() -> None:
    waiting = [Candidate(f"w-{n}", 0.9, is_new=False) for n in range(3)]
    assert frozenset({"n-1", "w-0"}) == admitted(LIMITED, [*waiting, Candidate("n-1", 0.5)])


def test_a_sign_is_new_for_a_week() -> None:
    core = Core(LIMITED)
    play(every(4, "purchase", 0, 60), until=98, core=core)
    week = day(98) // WEEK * WEEK
    told_ = [core.part(week + n * WEEK, number=0, is_first=False).candidates for n in (1, 2)]
    assert [[True], [False]] == [[c.is_new for c in few] for few in told_]


def test_a_segment_with_places_of_its_own_takes_none_of_the_others() -> None:
    own = replace_rules(LIMITED, most_a_week_of={"trade": 1})
    told_ = [Candidate(f"t-{n}", 0.9 + n / 100, "trade") for n in range(3)]
    others = [Candidate(f"o-{n}", 0.5 + n / 100) for n in range(3)]
    assert frozenset({"t-2", "o-1", "o-2"}) == admitted(own, [*told_, *others])
    assert frozenset({"t-2"}) == admitted(replace_rules(own, most_a_week=None), told_)


def test_only_customers_of_a_limited_segment_wait_for_a_place() -> None:
    rules = Rules(name="trade", most_a_week_of={"trade": 1})
    lives = {segment: every(4, "purchase", 0, 60, segment=segment) for segment in ("trade", "private")}
    said = {segment: alerts(play(life, until=200, core=Core(rules))) for segment, life in lives.items()}
    assert [] == said["trade"]
    assert "tenure.attrition-alert-raised.v1" == said["private"][0].type


def test_where_nothing_is_limited_there_is_a_place_for_everybody() -> None:
    assert admitted(Rules(), [Candidate("c-1", 0.9)]) == frozenset()
    assert ["raised"] == course(play(every(4, "purchase", 0, 60), until=200))[:1]


def test_who_may_come_up_only_after_a_whole_horizon_of_silence_is_named_when_that_is() -> None:
    """Of a base that nothing is known of, whose own gap of two months decides."""
    core = Core(LIMITED)
    play(every(60, "purchase", 0, 300), until=451, core=core)
    assert ["c-1"] == [told_.customer for told_ in core.part(day(451), number=0, is_first=False).candidates]


def test_before_anything_has_been_said_of_the_base_nobody_has_a_place() -> None:
    life = every(4, "purchase", 0, 60)
    assert ["raised"] == course(play(life, until=200))[:1]
    assert [] == alerts(play(life, until=200, core=Core(LIMITED)))


def test_for_a_declared_lapse_there_is_always_a_place() -> None:
    [raised] = alerts(play(every(4, "purchase", 0, 60), observation("lapse", 70.0), until=80, core=Core(LIMITED)))
    assert [Sign.LAPSE] == [proof.sign for proof in raised.data.signs]


def test_a_sign_that_waits_is_told_at_the_look_that_brings_a_place() -> None:
    core = Core(LIMITED)
    play(every(4, "purchase", 0, 60), until=200, core=core)
    look = next_look(day(200))
    full, place = (replace(unfitted(LIMITED), admitted=frozenset(few)) for few in ([], ["c-1"]))
    assert [] == alerts(core.look(look - WEEK, Known(full, core.known.calendar)))
    [raised] = alerts(core.look(look, Known(place, core.known.calendar)))
    assert (look, [Sign.ATTRITION]) == (to_micros(raised.data.as_of), [proof.sign for proof in raised.data.signs][-1:])


def test_a_threshold_of_a_segment_counts_for_its_customers() -> None:
    rules = read_rules('name = "ours"\n[risk_raise_of]\ntrade = 0.9\n')
    lives = {segment: every(9, "purchase", 0, 200, segment=segment) for segment in ("trade", "private")}
    first = {segment: alerts(play(life, until=500, core=Core(rules)))[0].data for segment, life in lives.items()}
    risks = {segment: data.risk or 0.0 for segment, data in first.items()}
    assert 0.5 <= risks["private"] < 0.9 <= risks["trade"]
    assert first["private"].as_of < first["trade"].as_of


def test_more_places_than_a_message_can_name_are_refused() -> None:
    with pytest.raises(ValueError, match="most_a_week: expected at most 4500 places"):
        read_rules(f'name = "ours"\nmost_a_week = {MOST_PLACES + 1}\n')

"""The first fifty customers of a base are judged from the first event on: sensibly, and without crying wolf."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest

from cli.data import CDNOW
from cli.sending.lines import Line, open_lines, read_lines
from services.analytics.replay import Score
from services.analytics.state import DAY
from shared.contracts.analytics import Alert, AttritionAlertRaised
from shared.contracts.envelope import Inbound
from shared.contracts.retention import Purchase
from shared.contracts.values import to_micros
from tests.unit.bases import happened, told
from tests.unit.planted import RATES, Shape, plant
from tests.unit.population import inbound

FEW = 50
UNTIL = 400  # days from the first event on
YOUNG = 120 * DAY


def first_customers(events: Sequence[Inbound]) -> list[Inbound]:
    who = set(list(dict.fromkeys(event.subject for event in events))[:FEW])
    end = to_micros(events[0].time) + UNTIL * DAY
    return [event for event in events if event.subject in who and to_micros(event.time) < end]


def shop() -> list[Inbound]:
    lines = read_lines(open_lines(CDNOW), source="shop")
    return first_customers([inbound(line.body) for line in lines if isinstance(line, Line)])


def planted(seed: int) -> list[Inbound]:
    shape = Shape(customers=200, there_from_the_start=0.1)
    return first_customers(happened(plant(seed, shape=shape, streams=tuple(RATES))))


Said = tuple[list[Inbound], list[Alert], list[Score]]


@pytest.fixture(scope="module", params=["shop", "planted"])
def said(request: pytest.FixtureRequest) -> Said:
    events = shop() if request.param == "shop" else planted(1)
    outputs = list(told(events, until=to_micros(events[0].time) + UNTIL * DAY, is_scored=True))
    return events, [o for o in outputs if not isinstance(o, Score)], [o for o in outputs if isinstance(o, Score)]


def test_every_risk_is_a_probability(said: Said) -> None:
    events, _, scores = said
    assert {event.subject for event in events if isinstance(event.data, Purchase)} == {s.customer for s in scores}
    assert all(0 < score.risk < 1 for score in scores)


def test_who_has_just_bought_again_is_neither_lost_nor_safe(said: Said) -> None:
    events, _, scores = said
    bought = defaultdict[str, set[int]](set)  # days
    for event in events:
        if isinstance(event.data, Purchase):
            bought[event.subject].add(to_micros(event.time) // DAY)
    later = {customer: days - {min(days)} for customer, days in bought.items()}
    repeats = [score.risk for score in scores if score.as_of // DAY in later[score.customer]]
    assert len(repeats) >= FEW
    assert 0.05 < sum(repeats) / len(repeats) < 0.9


def test_the_first_months_give_at_most_one_alert_a_customer_and_few_have_any(said: Said) -> None:
    events, alerts, _ = said
    end = to_micros(events[0].time) + YOUNG
    raised = Counter(
        a.subject for a in alerts if isinstance(a.data, AttritionAlertRaised) and to_micros(a.data.as_of) < end
    )
    assert max(raised.values(), default=0) <= 1
    assert len(raised) <= FEW / 3

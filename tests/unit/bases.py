"""A planted base as events, and what the judgement says of a history: the back-test without its files."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache

from services.analytics.core import AlertOut, Output
from services.analytics.population.part import Known, known_as_of
from services.analytics.population.segments import SegmentOut
from services.analytics.replay import Replay, Score
from services.analytics.rules import Rules
from shared.contracts.acquisition import Enquiry
from shared.contracts.analytics import Alert, read_alert
from shared.contracts.envelope import Inbound, Input
from shared.contracts.interaction import Complaint, Contact, Route
from shared.contracts.retention import Purchase
from shared.contracts.segments import SegmentAlert, read_segment_alert
from shared.contracts.values import from_micros
from tests.unit.attrition import day
from tests.unit.planted import DAYS, RATES, Planted, Shape, plant

CALLED = Contact(route=Route.TELEPHONE)
RULES = Rules()
ASKED, COMPLAINED = Enquiry(), Complaint()


def event(customer: str, number: int, at: datetime, data: Input) -> Inbound:
    """`number`: of all events, which tells it from the others."""
    return Inbound(f"e-{number}", "shop", data.TYPE, customer, at, None, data, f"{number:016x}")


def name(customer: int) -> str:
    return f"c-{customer:04}"


def happened(base: Planted, *, until: int = DAYS) -> list[Inbound]:
    """All events before a day, in order of time; those of one day are spread over it."""
    found = [
        (day_, stream, customer, amount)
        for stream, events in sorted(base.streams.items())
        for customer, day_, amount in zip(*(column.tolist() for column in vars(events).values()), strict=True)
        if day_ < until
    ]
    return [
        event(
            name(customer),
            number,
            from_micros(day(day_ + 0.1 + 0.8 * number / len(found))),
            _input(stream, amount, str(base.segment[customer])),
        )
        for number, (day_, stream, customer, amount) in enumerate(sorted(found))
    ]


def _input(stream: str, amount: int, segment: str) -> Input:
    if stream == "purchase":
        return Purchase(amount_minor=amount, currency="EUR", segment=segment)
    return {"contact": CALLED, "enquiry": ASKED, "complaint": COMPLAINED}[stream].model_copy(
        update={"segment": segment}
    )


def told(
    events: Iterable[Inbound], *, until: int, is_scored: bool = False, rules: Rules = RULES
) -> Iterator[Alert | Score]:
    """What is said of customers, of events in order of time, up to an instant, micros."""
    for said in _judged(events, until, Replay(rules, is_scored=is_scored)):
        if isinstance(said, AlertOut):
            yield read_alert(said.value)
        elif isinstance(said, Score):
            yield said


def told_of_segments(events: Iterable[Inbound], *, until: int) -> list[SegmentAlert]:
    """As `told`."""
    judged = _judged(events, until, Replay(RULES, is_scored=False))
    return [read_segment_alert(said.value) for said in judged if isinstance(said, SegmentOut)]


@cache
def learnt(customers: int = 120, until: int = 300) -> Known:
    """Of a base that has been watched up to a day: both regressions, paces and a season of its own."""
    shape = Shape(customers=customers, there_from_the_start=0.8)
    replay = Replay(RULES, is_scored=False)
    for _ in _judged(happened(plant(5, shape=shape, streams=tuple(RATES)), until=until), day(until), replay):
        pass
    known = known_as_of(replay.results, max(replay.results), RULES)
    assert None not in (known.model.hazard, known.model.stack, known.model.season), "all there is to learn"
    return known


def _judged(events: Iterable[Inbound], until: int, replay: Replay) -> Iterator[Output | SegmentOut | Score]:
    for seen in events:
        replay.take(seen)
    return replay.advance(until)

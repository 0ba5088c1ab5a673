"""How far along is this person, and what were they to us when they came?

In: enquiries from channels; what interaction and retention say of contacts, first purchase, lapse and return. Out: the
course of an acquisition through its five stages. It must never run backwards: what comes late is recorded and moves
nothing. A customer who lapsed is lost, and the next sign of them begins another course, as lapsed or former customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from shared.contracts.acquisition import (
    RECORDED_AS,
    AcquisitionLost,
    Enquiry,
    Origin,
    ProspectOpened,
    StageEntered,
)
from shared.contracts.envelope import Fact, Input
from shared.contracts.interaction import EngagementDeepened
from shared.contracts.retention import FirstPurchase, Lapsed, Returned
from shared.contracts.values import Stage, UtcTime
from shared.decider import Cause, Decider, Due, Elapsed, Observed, Received, recorded, whole_days

STAGES = tuple(Stage)  # in their order
REACTS_TO = frozenset({FirstPurchase.TYPE, Lapsed.TYPE, Returned.TYPE, EngagementDeepened.TYPE})


@dataclass(frozen=True, slots=True)
class State:
    """Where the person stands. `stage` is none between `prospect-opened` and the first stage, and after a loss."""

    courses: int = 0
    open: bool = False  # a course is under way, or was won and has not been lost
    stage: Stage | None = None
    entered: UtcTime | None = None
    origin: Origin | None = None  # of the next course, once a customer has been lost


def decide(state: State, cause: Cause) -> Sequence[Fact]:
    match cause:
        case Received(input=said, at=at):
            return _answer(state, said, at)
        case Observed(fact=EngagementDeepened(stage=stage), at=at):
            return _advance(state, stage, at)
        case Observed(fact=FirstPurchase() | Returned(), at=at):
            return _advance(state, Stage.ADOPTION, at)
        case Observed(fact=Lapsed() as lapsed):
            return _lose(state, lapsed)
        case Observed() | Elapsed():
            return []
        case _:
            assert_never(cause)


def evolve(state: State, fact: Fact, at: datetime) -> State:
    match fact:
        case ProspectOpened(course=course):
            return replace(state, courses=course, open=True, stage=None, entered=None)
        case StageEntered(stage=stage):
            return replace(state, stage=stage, entered=at)
        case AcquisitionLost(origin=origin):
            # Counts as a course even if we never saw it: to be lost, they must have been won.
            return State(courses=max(1, state.courses), origin=origin)
        case _:
            return state


def due(state: State) -> Due | None:
    """Nothing here falls due by time alone."""
    return None


def decider() -> Decider[State]:
    return Decider("acquisition", "1", State(), decide, evolve, due, REACTS_TO)


def _answer(state: State, said: Input, at: datetime) -> Sequence[Fact]:
    fact = RECORDED_AS.get(type(said))
    if fact is None:
        return []
    follows = _advance(state, Stage.ENQUIRY, at, origin=said.origin) if isinstance(said, Enquiry) else []
    return [recorded(said, fact), *follows]


def _advance(state: State, stage: Stage, at: datetime, *, origin: Origin = Origin.SUSPECT) -> list[Fact]:
    """To this stage, if the course has not come so far yet; in a new course if none is open."""
    opened = [] if state.open else [ProspectOpened(origin=state.origin or origin, course=state.courses + 1)]
    reached = -1 if state.stage is None else STAGES.index(state.stage)
    target = STAGES.index(stage)
    if target <= reached:
        return []
    days = None if state.entered is None else whole_days(state.entered, at)
    skipped = STAGES[reached + 1 : target]
    return [*opened, StageEntered(stage=stage, previous=state.stage, skipped=skipped, days_in_previous=days)]


def _lose(state: State, lapsed: Lapsed) -> list[Fact]:
    if state.origin is not None and not state.open:
        return []  # lost already
    origin = Origin.LAPSED_CUSTOMER if state.origin is None else Origin.FORMER_CUSTOMER
    return [AcquisitionLost(origin=origin, defector=lapsed.defector)]

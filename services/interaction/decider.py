"""What do a customer and we say to one another, what did we promise, and which promise was not kept?

In: contacts, complaints and their course, satisfaction, suggestions, exit interviews; that the customer lapsed; the
clock. Out: each input recorded, first; how deep the engagement goes; follow-ups and complaint standards, kept or
missed; the cause of a complaint, which retention keeps for the day on which the customer leaves. Only open complaints
have no upper number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import assert_never

from services.interaction import complaints as courses
from services.interaction.complaints import Complaints
from services.interaction.policy import DEFAULT, Policy
from shared.contracts.envelope import Fact
from shared.contracts.interaction import (
    RECORDED_AS,
    Complaint,
    ComplaintCauseEstablished,
    ComplaintProgress,
    Contact,
    EngagementDeepened,
    EngagementEnded,
    ExitInterview,
    ExitInterviewRecorded,
    ExitInterviewSuggested,
    FollowUpKept,
    FollowUpMissed,
    FollowUpPromised,
    Purpose,
)
from shared.contracts.retention import Lapsed
from shared.contracts.values import Direction, Stage, UtcTime
from shared.decider import Cause, Decider, Due, Elapsed, Observed, Received, recorded

STAGES = tuple(Stage)  # in their order
STAGE_OF = {Purpose.OFFER: Stage.EXCHANGE, Purpose.AGREEMENT: Stage.COORDINATION}  # any other contact: interaction
MAX_PROMISES = 50  # follow-ups open at once; one promised beyond is only recorded with its contact
REACTS_TO = frozenset({Lapsed.TYPE})


@dataclass(frozen=True, slots=True)
class Promise:
    """A follow-up still owed. The number keeps two promises apart that fall due at one instant."""

    number: int
    made: UtcTime
    due: UtcTime


@dataclass(frozen=True, slots=True)
class State:
    depth: Stage | None = None  # of the engagement in this course
    promises: tuple[Promise, ...] = ()  # in the order in which they were made; no two have the same due time
    promised: int = 0  # how many there ever were
    complaints: Complaints = field(default_factory=Complaints)
    why_asked: bool = False  # an exit interview was suggested and has not been held yet
    why_told: bool = False  # the customer told us why before we knew that they had left


def decide(state: State, cause: Cause, policy: Policy = DEFAULT) -> Sequence[Fact]:
    match cause:
        case Received():
            fact = RECORDED_AS.get(type(cause.input))
            return [] if fact is None else [recorded(cause.input, fact), *_follows(state, cause, policy)]
        case Observed(fact=Lapsed()):
            return [EngagementEnded()] if state.why_told else [EngagementEnded(), ExitInterviewSuggested()]
        case Observed():
            return []
        case Elapsed(what=what, at=at):
            return [fact for awaited, fact in _awaited(state) if awaited == Due(at, what)]
        case _:
            assert_never(cause)


def evolve(state: State, fact: Fact, at: datetime) -> State:
    match fact:
        case EngagementDeepened(stage=stage):
            return replace(state, depth=stage)
        case EngagementEnded():
            return replace(state, depth=None, why_told=False)
        case ExitInterviewSuggested():
            return replace(state, why_asked=True)
        case ExitInterviewRecorded():
            return replace(state, why_asked=False, why_told=not state.why_asked)
        case FollowUpPromised(due=by):
            number = state.promised + 1
            return replace(state, promises=(*state.promises, Promise(number, at, by)), promised=number)
        case FollowUpKept(due=by) | FollowUpMissed(due=by):
            return replace(state, promises=tuple(p for p in state.promises if p.due != by))
        case _:
            courses_after = courses.evolve(state.complaints, fact, at)
            return state if courses_after is state.complaints else replace(state, complaints=courses_after)


def due(state: State) -> Due | None:
    return min((awaited for awaited, _ in _awaited(state)), key=lambda d: (d.at, d.what), default=None)


def decider(policy: Policy = DEFAULT) -> Decider[State]:
    return Decider("interaction", "1", State(), partial(decide, policy=policy), evolve, due, REACTS_TO)


def _follows(state: State, cause: Received, policy: Policy) -> Iterator[Fact]:
    at, evidence = cause.at, cause.evidence
    match cause.input:
        case Contact() as said:
            yield from _deepened(state, said)
            yield from _follow_ups(state, said, at)
        case Complaint() as said:
            yield from courses.complain(state.complaints, said, at, evidence=evidence, policy=policy)
        case ComplaintProgress() as said:
            yield from courses.progress(state.complaints, said, at, evidence=evidence, policy=policy)
        case ExitInterview(reason=reason, words=words):
            yield ComplaintCauseEstablished(about=reason, evidence=evidence, words=words)
        case _:
            return  # satisfaction and suggestions are kept, and that is all


def _deepened(state: State, contact: Contact) -> Iterator[Fact]:
    """Marketing that we send out engages nobody."""
    if _is_ours(contact) and contact.purpose is Purpose.MARKETING:
        return
    stage = STAGE_OF.get(contact.purpose, Stage.INTERACTION)
    if state.depth is None or STAGES.index(stage) > STAGES.index(state.depth):
        yield EngagementDeepened(stage=stage)


def _follow_ups(state: State, contact: Contact, at: datetime) -> Iterator[Fact]:
    """One call keeps every promise that was waiting for it, and may make the next."""
    in_touch = _is_ours(contact) and contact.purpose is not Purpose.MARKETING
    kept = tuple(p for p in state.promises if in_touch and p.made <= at <= p.due)
    for promise in kept:
        yield FollowUpKept(due=promise.due)
    owed = {p.due for p in state.promises if p not in kept}
    by = contact.follow_up_by
    if by is not None and by > at and by not in owed and len(owed) < MAX_PROMISES:
        yield FollowUpPromised(due=by)


def _is_ours(contact: Contact) -> bool:
    return contact.direction is Direction.OUTBOUND


def _awaited(state: State) -> Iterator[tuple[Due, Fact]]:
    """What falls due by time alone, with the fact that its passing makes true."""
    for promise in state.promises:
        yield Due(promise.due, f"follow-up-missed/{promise.number}"), FollowUpMissed(due=promise.due)
    yield from courses.running_out(state.complaints)

"""Is this person still a customer, since when, and if not: why did they go?

In: purchases, lapses that a channel declares, the causes of complaints that interaction establishes, the clock. Out:
each input recorded, first; the first purchase; lapse (declared, or inferred when the clock reaches `due`) and return,
which always alternate; what the customer left for, with the evidence. Purchases may come late: the newest by its own
time counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import assert_never

from services.retention.policy import DEFAULT, Policy, Renewal, Rhythm, Silence
from shared.contracts.envelope import Fact, Input
from shared.contracts.interaction import ComplaintCauseEstablished
from shared.contracts.retention import (
    RECORDED_AS,
    Basis,
    DefectorClassified,
    FirstPurchase,
    GrievanceNoted,
    Lapse,
    Lapsed,
    Purchase,
    PurchaseRecorded,
    Returned,
)
from shared.contracts.values import Defector, Money, UtcTime
from shared.decider import Cause, Decider, Due, Elapsed, Observed, Received, later, recorded, whole_days

REACTS_TO = frozenset({ComplaintCauseEstablished.TYPE})
MAX_MINOR = 2**53  # what Money can say; a sum beyond it is said as that much
SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Buying:
    """The purchases in short. Times are the purchases' own."""

    first: UtcTime
    last: UtcTime
    occasions: int  # distinct days (UTC) with a purchase; one that comes late, from between the two, counts as another
    renews_at: UtcTime | None = None


@dataclass(frozen=True, slots=True)
class Grievance:
    """Why the customer might leave, by the newest complaint whose cause is known."""

    about: Defector
    evidence: str
    at: UtcTime


@dataclass(frozen=True, slots=True)
class Away:
    """The customer is gone. `inferred`: only the clock says so."""

    since: UtcTime
    inferred: bool
    defector: Defector | None


@dataclass(frozen=True, slots=True)
class State:
    buying: Buying | None = None
    spend_minor: dict[str, int] = field(default_factory=dict)  # by currency, in a lifetime
    segment: str | None = None
    heard: UtcTime | None = None  # newest input that named the segment
    grievance: Grievance | None = None  # since the last return
    away: Away | None = None
    lapses: int = 0


def decide(state: State, cause: Cause, policy: Policy = DEFAULT) -> Sequence[Fact]:
    match cause:
        case Received():
            fact = RECORDED_AS.get(type(cause.input))
            return [] if fact is None else [recorded(cause.input, fact), *_follows(state, cause)]
        case Observed(fact=ComplaintCauseEstablished(about=about, evidence=evidence)):
            return _reason(state, about, evidence)
        case Observed():
            return []
        case Elapsed(what=what, at=at):
            return _lapse_inferred(state, Due(at, what), policy)
        case _:
            assert_never(cause)


def evolve(state: State, fact: Fact, at: datetime) -> State:
    match fact:
        case Input():
            return _after_input(state, fact, at)
        case Lapsed(basis=basis, defector=defector):
            return replace(state, away=Away(at, basis is not Basis.DECLARED, defector), lapses=state.lapses + 1)
        case Returned():
            return replace(state, away=None, grievance=None)
        case DefectorClassified(defector=defector) if state.away is not None:
            return replace(state, away=replace(state.away, defector=defector))
        case GrievanceNoted(about=about, evidence=evidence) if state.grievance is None or state.grievance.at <= at:
            return replace(state, grievance=Grievance(about, evidence, at))
        case _:
            return state


def due(state: State, policy: Policy = DEFAULT) -> Due | None:
    """When the customer will have lapsed, if nothing is bought until then; none for who never bought or is away."""
    found = _lapse_ahead(state, policy)
    return None if found is None else found[0]


def decider(policy: Policy = DEFAULT) -> Decider[State]:
    return Decider(
        "retention", "1", State(), partial(decide, policy=policy), evolve, partial(due, policy=policy), REACTS_TO
    )


def _follows(state: State, cause: Received) -> Iterator[Fact]:
    match cause.input:
        case Purchase():
            if state.buying is None:
                yield FirstPurchase()
            if state.away is not None and _brings_back(state, state.away, cause.at):
                yield Returned(away_days=whole_days(state.away.since, cause.at))
        case Lapse() as said:
            yield from _declared(state, said, cause)
        case _:
            return  # what is done about alerts is kept, and that is all


def _brings_back(state: State, away: Away, at: datetime) -> bool:
    """A purchase after the lapse; or a late one from before it, if it shows that the clock inferred wrongly."""
    return at >= away.since or (away.inferred and (state.buying is None or at > state.buying.last))


def _declared(state: State, said: Lapse, cause: Received) -> Iterator[Fact]:
    if state.away is not None:
        if said.reason is not None:
            yield from _reason(state, said.reason, cause.evidence)
    elif state.buying is None or cause.at >= state.buying.last:  # otherwise old news: they have bought since
        yield _lapsed(state, Basis.DECLARED, cause.at, reason=said.reason, evidence=cause.evidence)


def _reason(state: State, about: Defector, evidence: str) -> list[Fact]:
    """A customer who is here has a grievance; of one who is gone it says what for, if that is news."""
    if state.away is None:
        return [GrievanceNoted(about=about, evidence=evidence)]
    return [] if state.away.defector is about else [DefectorClassified(defector=about, evidence=evidence)]


def _lapse_inferred(state: State, elapsed: Due, policy: Policy) -> list[Fact]:
    """Nothing if it is not what is due now: somebody looked by a list that had grown old."""
    match _lapse_ahead(state, policy):
        case (ahead, basis) if ahead == elapsed:
            return [_lapsed(state, basis, elapsed.at)]
        case _:
            return []


def _lapse_ahead(state: State, policy: Policy) -> tuple[Due, Basis] | None:
    if state.buying is None or state.away is not None:
        return None
    at, basis = _limit(state.buying, policy.measure(state.segment))
    return Due(at, f"lapsed/{state.lapses + 1}"), basis  # by number: no two lapses are ever the same cause


def _limit(buying: Buying, measure: Silence | Rhythm | Renewal) -> tuple[datetime, Basis]:
    """The instant at which silence becomes a lapse, and on what ground."""
    silence = later(buying.last, measure.days)
    match measure:
        case Rhythm() if buying.occasions >= measure.occasions:
            days = max(measure.at_least_days, measure.multiple * _mean_gap_days(buying))
            return min((later(buying.last, days), Basis.RHYTHM), (silence, Basis.SILENCE), key=lambda limit: limit[0])
        case Renewal() if buying.renews_at is not None and buying.renews_at > buying.last:
            return later(buying.renews_at, measure.grace_days), Basis.RENEWAL
        case _:
            return silence, Basis.SILENCE


def _mean_gap_days(buying: Buying) -> float:
    return (buying.last - buying.first).total_seconds() / SECONDS_A_DAY / (buying.occasions - 1)


def _lapsed(
    state: State, basis: Basis, at: datetime, *, reason: Defector | None = None, evidence: str | None = None
) -> Lapsed:
    """With what the channel says they left for, or else with the last grievance."""
    if reason is None and state.grievance is not None:
        reason, evidence = state.grievance.about, state.grievance.evidence
    return Lapsed(
        basis=basis,
        silent_days=None if state.buying is None else whole_days(state.buying.last, at),
        defector=reason,
        evidence=None if reason is None else evidence,
        lifetime_spend=tuple(Money(amount_minor=v, currency=c) for c, v in sorted(state.spend_minor.items())),
    )


def _after_input(state: State, said: Input, at: datetime) -> State:
    if said.segment is not None and (state.heard is None or state.heard <= at):
        state = replace(state, segment=said.segment, heard=at)
    if not isinstance(said, PurchaseRecorded):
        return state
    spent = min(MAX_MINOR, state.spend_minor.get(said.currency, 0) + said.amount_minor)
    return replace(
        state, buying=_bought(state.buying, said, at), spend_minor={**state.spend_minor, said.currency: spent}
    )


def _bought(buying: Buying | None, purchase: PurchaseRecorded, at: datetime) -> Buying:
    if buying is None:
        return Buying(at, at, 1, purchase.renews_at)
    counted = at.date() in (buying.first.date(), buying.last.date())
    newest = at >= buying.last
    return Buying(
        first=min(buying.first, at),
        last=max(buying.last, at),
        occasions=buying.occasions + (not counted),
        renews_at=(purchase.renews_at if newest else None) or buying.renews_at,
    )

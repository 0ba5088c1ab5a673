"""What is the course of each complaint, and which promise about it is running out?

Pure: the complaints of one customer and what is said of one of them -> facts, and the complaints after a fact. Steps
are taken in the order in which they are heard, for the clocks of two channels need not agree. A standard is breached
at most once per opening, and every opening has a number of its own, so no two breaches are ever the same cause.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from services.interaction.policy import Policy
from shared.contracts.envelope import Fact
from shared.contracts.interaction import (
    Complaint,
    ComplaintAcknowledged,
    ComplaintCauseEstablished,
    ComplaintOpened,
    ComplaintProgress,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintStandardBreached,
    Standard,
    Step,
)
from shared.contracts.values import Defector, UtcTime
from shared.decider import Due, later, whole_days

_OfMatter = (
    ComplaintAcknowledged
    | ComplaintResolved
    | ComplaintReopened
    | ComplaintStandardBreached
    | ComplaintCauseEstablished
)

RESOLVED_REMEMBERED = 50  # the oldest is forgotten first; it can then only be opened as a new matter


@dataclass(frozen=True, slots=True)
class Matter:
    """One complaint. A promised time is none once it was met or breached."""

    opening: int
    opened: UtcTime  # or last opened again
    acknowledge_by: UtcTime | None
    resolve_by: UtcTime | None
    acknowledged: bool = False
    resolved: bool = False
    reopened: int = 0
    about: Defector | None = None


@dataclass(frozen=True, slots=True)
class Complaints:
    """All of one customer, by name. Never changed in place."""

    matters: dict[str, Matter] = field(default_factory=dict)
    openings: int = 0


def complain(complaints: Complaints, said: Complaint, at: datetime, *, evidence: str, policy: Policy) -> Iterator[Fact]:
    name = said.complaint or _unused_name(complaints, evidence)
    matter = complaints.matters.get(name)
    if matter is None:
        yield ComplaintOpened(
            complaint=name,
            acknowledge_by=later(at, policy.acknowledge_days),
            resolve_by=later(at, policy.resolve_days),
        )
    elif matter.resolved:
        yield _reopened(name, matter, later(at, policy.resolve_days))
    yield from _cause(name, matter, said, evidence=evidence)


def progress(
    complaints: Complaints, said: ComplaintProgress, at: datetime, *, evidence: str, policy: Policy
) -> Iterator[Fact]:
    """Of a complaint that nobody has heard of there is nothing to say."""
    matter = complaints.matters.get(said.complaint)
    if matter is not None:
        yield from _step(said, matter, at, policy=policy)
        yield from _cause(said.complaint, matter, said, evidence=evidence)


def running_out(complaints: Complaints) -> Iterator[tuple[Due, Fact]]:
    """Every promised time still ahead, with the fact that its passing makes true."""
    for name, matter in complaints.matters.items():
        for standard, by in ((Standard.ACKNOWLEDGE, matter.acknowledge_by), (Standard.RESOLVE, matter.resolve_by)):
            if by is not None:
                what = f"complaint-standard-breached/{name}/{standard}/{matter.opening}"
                yield Due(by, what), ComplaintStandardBreached(complaint=name, standard=standard, due=by)


def evolve(complaints: Complaints, fact: Fact, at: datetime) -> Complaints:
    """A matter that changed moves to the end: the order is that of the last change."""
    match fact:
        case ComplaintOpened(complaint=name):
            return _with(complaints, name, Matter(complaints.openings + 1, at, fact.acknowledge_by, fact.resolve_by))
        case (
            ComplaintAcknowledged(complaint=str(name))
            | ComplaintResolved(complaint=str(name))
            | ComplaintReopened(complaint=str(name))
            | ComplaintStandardBreached(complaint=str(name))
            | ComplaintCauseEstablished(complaint=str(name))
        ) if name in complaints.matters:
            return _with(complaints, name, _after(complaints.matters[name], fact, at, opening=complaints.openings + 1))
        case _:
            return complaints


def _after(matter: Matter, fact: _OfMatter, at: datetime, *, opening: int) -> Matter:
    match fact:
        case ComplaintAcknowledged():
            return replace(matter, acknowledged=True, acknowledge_by=None)
        case ComplaintResolved():
            return replace(matter, resolved=True, acknowledge_by=None, resolve_by=None)
        case ComplaintReopened(times=times, resolve_by=by):
            return Matter(opening, at, None, by, reopened=times, about=matter.about)
        case ComplaintStandardBreached(standard=Standard.ACKNOWLEDGE):
            return replace(matter, acknowledge_by=None)
        case ComplaintStandardBreached():
            return replace(matter, resolve_by=None)
        case ComplaintCauseEstablished(about=about):
            return replace(matter, about=about)
        case _:
            assert_never(fact)


def _with(complaints: Complaints, name: str, matter: Matter) -> Complaints:
    matters = {key: value for key, value in complaints.matters.items() if key != name} | {name: matter}
    resolved = [key for key, value in matters.items() if value.resolved]
    for key in resolved[:-RESOLVED_REMEMBERED]:
        del matters[key]
    return Complaints(matters, max(complaints.openings, matter.opening))


def _unused_name(complaints: Complaints, evidence: str) -> str:
    """The event's own id, unless another channel's event of the same id has opened a matter before."""
    own = evidence.partition("|")[2]
    return evidence if own in complaints.matters else own


def _step(said: ComplaintProgress, matter: Matter, at: datetime, *, policy: Policy) -> Iterator[Fact]:
    match said.step:
        case Step.ACKNOWLEDGED:
            if not (matter.acknowledged or matter.resolved):
                yield ComplaintAcknowledged(complaint=said.complaint)
        case Step.RESOLVED:
            if not matter.resolved:
                yield ComplaintResolved(complaint=said.complaint, days_open=whole_days(matter.opened, at))
        case Step.REOPENED:
            if matter.resolved:
                yield _reopened(said.complaint, matter, later(at, policy.resolve_days))
        case _:
            assert_never(said.step)


def _reopened(name: str, matter: Matter, resolve_by: datetime) -> ComplaintReopened:
    return ComplaintReopened(complaint=name, times=matter.reopened + 1, resolve_by=resolve_by)


def _cause(name: str, matter: Matter | None, said: Complaint | ComplaintProgress, *, evidence: str) -> Iterator[Fact]:
    """Said again it is nothing new; said differently, it is."""
    if said.about is not None and (matter is None or matter.about != said.about):
        yield ComplaintCauseEstablished(about=said.about, evidence=evidence, complaint=name, words=said.words)

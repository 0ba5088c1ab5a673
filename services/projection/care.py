"""What of this customer's still waits for us: complaints that are open, and promises to be in touch again?

In: interaction's facts, in its order. Times in microseconds since 1970.
"""

import msgspec
from msgspec.structs import replace

from shared.contracts import interaction
from shared.contracts.envelope import Fact
from shared.contracts.values import to_micros


class OpenComplaint(msgspec.Struct, frozen=True):
    complaint: str
    opened_at: int
    resolve_by: int
    acknowledge_by: int | None = None  # none: it has been
    reopened: int = 0
    breached: tuple[str, ...] = ()  # standards, in order


class Complaints(msgspec.Struct, frozen=True):
    open: tuple[OpenComplaint, ...] = ()  # oldest first
    opened: int = 0
    resolved: int = 0
    breaches: int = 0


class FollowUps(msgspec.Struct, frozen=True):
    due: tuple[int, ...] = ()  # promised and still awaited
    kept: int = 0
    missed: int = 0


def after_matter(before: Complaints, said: Fact, at: int) -> Complaints:
    match said:
        case interaction.ComplaintOpened(complaint=name):
            matter = OpenComplaint(name, at, to_micros(said.resolve_by), to_micros(said.acknowledge_by))
            return replace(before, opened=before.opened + 1, open=(*_without(before, name), matter))
        case interaction.ComplaintAcknowledged(complaint=name):
            return replace(before, open=tuple(_acknowledged(m) if m.complaint == name else m for m in before.open))
        case interaction.ComplaintResolved(complaint=name):
            return replace(before, resolved=before.resolved + 1, open=_without(before, name))
        case interaction.ComplaintReopened(complaint=name):
            matter = OpenComplaint(name, at, to_micros(said.resolve_by), reopened=said.times)
            return replace(before, open=(*_without(before, name), matter))
        case interaction.ComplaintStandardBreached(complaint=name, standard=standard):
            opened = tuple(_breached(m, standard) if m.complaint == name else m for m in before.open)
            return replace(before, breaches=before.breaches + 1, open=opened)
        case _:
            return before


def _acknowledged(matter: OpenComplaint) -> OpenComplaint:
    return replace(matter, acknowledge_by=None)


def _breached(matter: OpenComplaint, standard: str) -> OpenComplaint:
    return replace(matter, breached=(*matter.breached, standard))


def _without(complaints: Complaints, name: str) -> tuple[OpenComplaint, ...]:
    return tuple(m for m in complaints.open if m.complaint != name)


def after_promise(before: FollowUps, said: Fact) -> FollowUps:
    match said:
        case interaction.FollowUpPromised(due=due):
            return replace(before, due=tuple(sorted((*before.due, to_micros(due)))))
        case interaction.FollowUpKept(due=due):
            return replace(before, kept=before.kept + 1, due=_less(before.due, to_micros(due)))
        case interaction.FollowUpMissed(due=due):
            return replace(before, missed=before.missed + 1, due=_less(before.due, to_micros(due)))
        case _:
            return before


def _less(dues: tuple[int, ...], due: int) -> tuple[int, ...]:
    if due not in dues:
        return dues
    index = dues.index(due)
    return dues[:index] + dues[index + 1 :]

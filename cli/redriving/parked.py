"""What is parked, by which command is it released, and what came of that?

In: the commits of a service. Out: per customer the parked causes in order; the command's bytes; its outcome. Pure.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.catalogue import FACT_TYPES
from shared.contracts.envelope import read_fact
from shared.contracts.protocol import CauseNoted, CauseParked, CauseReleased, Redrive
from shared.contracts.values import format_time
from shared.event_store import Commit

SOURCE = "tenure/redrive"
_MARKS = (CauseParked.TYPE.encode(), CauseReleased.TYPE.encode())


@dataclass(frozen=True, slots=True)
class Parked:
    cause: str
    at: datetime
    reason: str


@dataclass(slots=True)
class ParkedBook:
    """Of one service, commit by commit in order of sequence. `customers` has those with anything parked."""

    customers: dict[str, dict[str, Parked]] = field(default_factory=dict)

    def take(self, commit: Commit) -> None:
        for raw in commit.events:
            if any(mark in raw for mark in _MARKS):
                self._take(commit, raw)

    def _take(self, commit: Commit, raw: bytes) -> None:
        fact = read_fact(raw, FACT_TYPES)
        match fact.data:
            case CauseParked(reason=reason):
                parked = Parked(fact.cause, fact.time, reason)
                self.customers.setdefault(commit.customer, {})[fact.cause] = parked
            case CauseReleased(cause=cause):
                self._release(commit.customer, cause)

    def _release(self, customer: str, cause: str) -> None:
        parked = self.customers.get(customer, {})
        parked.pop(cause, None)
        if not parked:
            self.customers.pop(customer, None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command did. `note`: why nothing was released."""

    released: frozenset[str]
    note: str | None


def command(id_: str, customer: str, at: datetime) -> bytes:
    """Decide again what is parked for this customer."""
    said = {
        "specversion": "1.0", "id": id_, "source": SOURCE, "type": Redrive.TYPE, "subject": customer,
        "time": format_time(at), "datacontenttype": "application/json", "data": {},
    }  # fmt: skip
    return json.dumps(said, ensure_ascii=False).encode()


def outcome_of(commit: Commit) -> Outcome:
    facts: Sequence[object] = [read_fact(raw, FACT_TYPES).data for raw in commit.events]
    released = frozenset(fact.cause for fact in facts if isinstance(fact, CauseReleased))
    note = next((fact.note for fact in facts if isinstance(fact, CauseNoted) and not released), None)
    return Outcome(released, note)

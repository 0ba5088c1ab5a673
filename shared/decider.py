"""What a domain service has to say about one customer: a pure function from causes to facts.

`decide(state, cause)` names the facts that follow; `evolve(state, fact, at)` is the state after one of them. Both are
total and pure: the same arguments always give the same facts, so a cause read twice, on another machine, a year later,
decides the same. A decider that has nothing to say returns no facts; that, too, is stored (`cause-noted`), by the
processor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from shared.contracts.envelope import Fact, Input

S = TypeVar("S")
F = TypeVar("F", bound=Fact)

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Received:
    """A channel's event. `at` is its time as the system keeps it; `evidence` is the channel's own `source|id`."""

    input: Input
    at: datetime
    evidence: str


@dataclass(frozen=True, slots=True)
class Observed:
    """A decisive fact of another service."""

    fact: Fact
    at: datetime
    producer: str


@dataclass(frozen=True, slots=True)
class Elapsed:
    """The clock passed an instant that `due` had named. Decided once, whoever looks first, dated at that instant."""

    what: str
    at: datetime


Cause = Received | Observed | Elapsed


@dataclass(frozen=True, slots=True)
class Due:
    """Something falls due by time alone. `what` tells apart the things that may be due at one instant."""

    at: datetime
    what: str


@dataclass(frozen=True)
class Decider(Generic[S]):
    """One service's rules. `rules` names the version of `evolve` and of the state; snapshots of others are not read."""

    name: str
    rules: str
    initial: S
    decide: Callable[[S, Cause], Sequence[Fact]]
    evolve: Callable[[S, Fact, datetime], S]
    due: Callable[[S], Due | None]  # the earliest; none: nothing is awaited
    reacts_to: frozenset[str]  # fact types of other services that are causes here

    @cached_property
    def _codec(self) -> TypeAdapter[S]:
        return TypeAdapter(type(self.initial))

    def dump(self, state: S) -> bytes:
        """For a snapshot; `load` brings it back, equal."""
        return self._codec.dump_json(state)

    def load(self, raw: bytes) -> S:
        return self._codec.validate_json(raw)


def recorded(said: Input, fact: type[F]) -> F:
    """The fact that keeps an accepted input: everything the channel said, field by field."""
    return fact.model_validate(said, from_attributes=True)


def later(at: datetime, days: float) -> datetime:
    """`at` plus days; the last instant there is, where the calendar ends before."""
    try:
        return at + timedelta(days=days)
    except OverflowError:
        return END_OF_TIME


def whole_days(since: datetime, until: datetime) -> int:
    """Never negative: causes may come later than their time."""
    return max(0, (until - since).days)

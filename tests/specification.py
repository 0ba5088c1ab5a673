"""Given a history, when a cause is decided, then these facts and no others: how a decider is specified.

A customer's history is a tuple of causes, decided and folded in the order given, as a service does it. Times are days
of one year: `day(40)` is its fortieth. Nothing here waits or looks at a clock.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from shared.contracts.envelope import Fact, Input
from shared.decider import Cause, Decider, Due, Elapsed, Observed, Received

S = TypeVar("S")

NEW_YEAR = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


def day(number: float) -> datetime:
    return NEW_YEAR + timedelta(days=number)


def received(said: Input, on: float = 0, evidence: str = "shop|1") -> Received:
    """What a channel sent, on that day."""
    return Received(said, day(on), evidence)


def observed(fact: Fact, on: float = 0) -> Observed:
    """What another service decided, on that day."""
    return Observed(fact, day(on), "elsewhere")


@dataclass(frozen=True)
class Outcome:
    """What was decided."""

    facts: tuple[Fact, ...]

    def then(self, *expected: Fact) -> None:
        assert expected == self.facts

    def then_also(self, *expected: Fact) -> None:
        """After the fact that records the input."""
        assert expected == self.facts[1:]


@dataclass(frozen=True)
class Specification(Generic[S]):
    """One customer of one service. Every method leaves it as it is and gives another."""

    decider: Decider[S]
    state: S

    @classmethod
    def of(cls, decider: Decider[S]) -> "Specification[S]":
        return cls(decider, decider.initial)

    def given(self, *causes: Cause) -> "Specification[S]":
        """After these were decided, in this order."""
        after = self
        for cause in causes:
            after = after.folded(after.when(cause).facts, cause.at)
        return after

    def folded(self, facts: Sequence[Fact], at: datetime) -> "Specification[S]":
        """After these facts, as a rebuild reads them."""
        state = self.state
        for fact in facts:
            state = self.decider.evolve(state, fact, at)
        return Specification(self.decider, state)

    def when(self, cause: Cause) -> Outcome:
        return Outcome(tuple(self.decider.decide(self.state, cause)))

    def when_time_comes(self) -> Outcome:
        """At the earliest instant that is waited for."""
        due = self.due
        assert due is not None, "nothing falls due"
        return self.when(Elapsed(due.what, due.at))

    def until(self, on: float) -> "Specification[S]":
        """After everything that falls due by the end of that day was decided, earliest first."""
        after = self
        for due in self.falls_due(day(on)):
            after = after.given(Elapsed(due.what, due.at))
        return after

    def falls_due(self, by: datetime) -> Iterator[Due]:
        """What the clock would decide until then, in order, each as soon as the one before is decided."""
        after = self
        while (due := after.due) is not None and due.at <= by:
            yield due
            after = after.given(Elapsed(due.what, due.at))

    @property
    def due(self) -> Due | None:
        return self.decider.due(self.state)

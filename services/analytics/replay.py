"""What would the rules have said about a history? The judgement of the service over events from a file: no Kafka, no
database, no clock.

In: events in order of time, and how far time has come. Out: alerts and rows of risk as the service publishes them, byte
for byte, and scores at the end of every seventh day. Each is worked out from what came before it and from nothing else.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.analytics.core import Core, Observation, Output
from services.analytics.facts import observation, read
from services.analytics.order import Instant, Order
from services.analytics.partition import HOUR
from services.analytics.rules import Rules
from services.analytics.state import DAY
from shared.contracts.catalogue import DOMAIN_SERVICES, OWNER_OF, RECORDED_AS
from shared.contracts.envelope import Event, Inbound, write_fact
from shared.contracts.values import to_micros
from shared.decider import recorded

WEEK = 7 * DAY


class Score(NamedTuple):
    """P(no purchase within the horizon after `as_of`), micros, of a customer who has bought."""

    customer: str
    as_of: int
    risk: float


class Replay:
    """One history under one version of the rules. Everything is one partition: how many there are shows nowhere."""

    def __init__(self, rules: Rules, *, grid: int = HOUR, every: int | None = WEEK) -> None:
        """`every`: micros between two scores of a customer; none: nobody is scored."""
        self._core = Core(rules)
        self._order: Order[Observation] = Order(grid=grid, next_due=self._core.next_due)
        self._known: set[tuple[str, str]] = set()  # customer, cause
        self._every = every
        self._scored: int | None = None  # the instant at which to score next
        self._taken = 0

    def take(self, event: Inbound) -> bool:
        """Keeps it until its time has passed. False: its id was there before; the first one counts."""
        if (event.subject, event.cause) in self._known:
            return False
        self._known.add((event.subject, event.cause))
        at = to_micros(event.time)
        if self._scored is None and self._every is not None:
            self._scored = at // DAY * DAY + DAY - 1_000_000  # as of the end of the first day
        if (seen := observation_of(event)) is not None:
            chain = OWNER_OF[event.type], event.subject
            self._order.hold(chain, at, event.cause, self._taken, seen, derived=False)
        self._taken += 1
        return True

    def advance(self, to: int) -> Iterator[Output | Score]:
        """Nothing before `to`, micros, will be taken any more."""
        for service in DOMAIN_SERVICES:
            self._order.tick(service, to)
        for step in self._order.steps():
            yield from self._scores(step.at)
            yield from self._core.advance(step.at) if isinstance(step, Instant) else self._core.observe(step)
        yield from self._scores(to)

    def _scores(self, before: int) -> Iterator[Score]:
        while self._every is not None and self._scored is not None and self._scored < before:
            for customer, risk in self._core.risks(self._scored):
                yield Score(customer, self._scored, risk)
            self._scored += self._every


def risk_by_week(observed: Sequence[Observation], rules: Rules, until: int) -> Iterator[tuple[int, float]]:
    """Of one customer whose observations are in order: every seven days from the first on, and at last as of `until`,
    micros."""
    core, waiting = Core(rules), list(observed)
    for instant in (*range(observed[0].at, until, WEEK), until):
        while waiting and waiting[0].at <= instant:
            core.observe(waiting.pop(0))
        yield from ((instant, risk) for _, risk in core.risks(instant))


def observation_of(event: Inbound) -> Observation | None:
    """What the service makes of the event once it has been recorded."""
    producer, fact = OWNER_OF[event.type], recorded(event.data, RECORDED_AS[type(event.data)])
    at = Event(
        producer, event.subject, 1, 1, 1, event.time, event.cause, event.digest, event.cause, None, fact.TYPE, fact
    )  # fmt: skip
    return observation(read(write_fact(at)))

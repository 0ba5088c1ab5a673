"""What would the rules have said about a history? The judgement of the service over events from a file: no Kafka, no
database, no clock.

In: events in order of time, and how far time has come. Out: alerts and rows of risk as the service publishes them, byte
for byte, and scores: of everybody at the end of every seventh day, and of whom an occasion or the silence has changed,
in between. Each is worked out from what came before it and from nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from services.analytics.core import Core, Observation, Output
from services.analytics.facts import input_of, read
from services.analytics.measures import Catalogue
from services.analytics.order import AHEAD, EVERY_INSTANT, Instant, Order, Stop
from services.analytics.population.part import DELAY, Result, known_as_of, next_look
from services.analytics.population.refit import Refit
from services.analytics.population.segments import SegmentOut
from services.analytics.record import is_occasion
from services.analytics.rules import Rules
from services.analytics.state import DAY, WEEK
from shared.contracts.catalogue import DOMAIN_SERVICES, OWNER_OF, RECORDED_AS
from shared.contracts.envelope import Event, Inbound, write_fact
from shared.contracts.values import to_micros
from shared.decider import recorded

ANOTHER_RISK = 0.002  # so much more or less within a week is told day by day


class Score(NamedTuple):
    """P(no purchase within the horizon after `as_of`), micros, of a customer who has bought."""

    customer: str
    as_of: int
    risk: float
    is_weekly: bool = True  # one of everybody's; the others are of whom something has changed in between


class Replay:
    """One history under one version of the rules. Everything is one partition: how many there are shows nowhere."""

    def __init__(self, rules: Rules, *, is_scored: bool = True) -> None:
        self._core = Core(rules)
        self._order: Order[Observation | Catalogue] = Order(
            grid=EVERY_INSTANT, next_due=self._core.next_due, may_pass=lambda _: True
        )
        self._refit, self._has_spoken = Refit(rules, partitions=1), False
        self.results: dict[int, Result] = {}
        self._known: set[tuple[str, str]] = set()  # customer, cause
        self._is_scored = is_scored
        self._scored: int | None = None  # the instant at which to score next; none: before the first event
        self._phase, self._moving, self._bought = 0, set[str](), set[str]()  # customers; of those who bought, today
        self._taken = 0

    def take(self, event: Inbound) -> bool:
        """Keeps it until its time has passed. False: its id was there before; the first one counts."""
        if (event.subject, event.cause) in self._known:
            return False
        self._known.add((event.subject, event.cause))
        at = to_micros(event.time)
        seen = input_of_event(event)
        if self._scored is None and self._is_scored and not isinstance(seen, Catalogue):
            self._scored = at // DAY * DAY + DAY - 1_000_000  # as of the end of the first day
            self._phase = self._scored % WEEK
        if seen is not None:
            chain, place = (OWNER_OF[event.type], event.subject), AHEAD if isinstance(seen, Catalogue) else event.cause
            self._order.hold(chain, at, place, self._taken, seen, derived=False)
        self._taken += 1
        return True

    @property
    def fitted_to_one_in(self) -> int:
        """So many customers, by the last result."""
        return self.results[max(self.results)].one_in if self.results else 1

    def advance(self, to: int) -> Iterator[Output | SegmentOut | Score]:
        """Nothing before `to`, micros, will be taken any more."""
        for service in DOMAIN_SERVICES:
            self._order.tick(service, to)
        for step in self._order.steps():
            yield from self._scores(step.at)
            if isinstance(step, Stop):
                yield from self._stopped(step.at)
            else:
                yield from self._core.advance(step.at) if isinstance(step, Instant) else self._judged(step)
        yield from self._scores(to)

    def _judged(self, seen: Observation | Catalogue) -> Sequence[Output]:
        if self._is_scored and isinstance(seen, Observation) and is_occasion(seen, self._core.rules):
            self._bought.add(seen.customer)
        return self._core.take(seen)

    def _stopped(self, at: int) -> Sequence[Output | SegmentOut]:
        if at % WEEK:
            return self._core.look(at, known_as_of(self.results, at - DELAY, self._core.rules))
        part = self._core.part(at, number=0, is_first=not self._has_spoken)
        self._refit.take_part(part)
        self._has_spoken = True
        result = self._refit.due()
        assert result is not None, "the only part is there"
        alerts = self._refit.alerts()
        self._refit.take_result(result)
        self.results[at] = result
        return alerts

    def _scores(self, before: int) -> Iterator[Score]:
        """Of instants that are over, so that the order of what happened at once shows nowhere."""
        while self._scored is not None and self._scored < before:
            at = self._scored
            if at % WEEK == self._phase:
                yield from self._everybody(at)
            else:
                moved = self._core.risks([at], sorted(self._moving | self._bought))
                yield from (Score(customer, at, risk, is_weekly=False) for customer, [risk] in moved)
            self._bought.clear()
            self._scored += DAY

    def _everybody(self, at: int) -> Iterator[Score]:
        """And whom silence makes another risk within the week, is scored every day of it."""
        self._moving.clear()
        for customer, [risk, later] in self._core.risks([at, at + WEEK]):
            yield Score(customer, at, risk)
            if abs(later - risk) >= ANOTHER_RISK:
                self._moving.add(customer)


def risk_by_week(
    observed: Sequence[Observation], rules: Rules, until: int, results: Mapping[int, Result]
) -> Iterator[tuple[int, float]]:
    """Of one customer whose observations are in order: every seven days from the first on, and at last as of `until`,
    micros. `results`: by week, of the base the customer is part of."""
    core, waiting = Core(rules), list(observed)
    shown = [*range(observed[0].at, until, WEEK), until]
    looks = range(next_look(observed[0].at), until, WEEK)
    for instant, is_look in sorted([*((at, False) for at in shown), *((at, True) for at in looks)]):
        while waiting and waiting[0].at <= instant:
            core.observe(waiting.pop(0))
        if is_look:
            core.look(instant, known_as_of(results, instant - DELAY, rules))
        else:
            yield from ((instant, risk) for _, [risk] in core.risks([instant]))


def input_of_event(event: Inbound) -> Observation | Catalogue | None:
    """What the service makes of the event once it has been recorded."""
    producer, fact = OWNER_OF[event.type], recorded(event.data, RECORDED_AS[type(event.data)])
    at = Event(
        producer, event.subject, 1, 1, 1, event.time, event.cause, event.digest, event.cause, None, fact.TYPE, fact
    )  # fmt: skip
    return input_of(read(write_fact(at)))

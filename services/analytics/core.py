"""What follows for a partition's customers from what is observed and from the passing of time?

In: observations and instants of the grid, one after another. Out: alerts and risk rows, as bytes ready to be
published. The answers depend on that sequence alone, not on how it is cut into batches, on the process or on a
restart in between. No clock, no I/O.

A customer is looked at when something is observed, at the first instant after the next at which silence alone may
change a verdict, and, for the risk, when another model comes into force, once a week and all at once.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec
import numpy as np

from services.analytics import alerts
from services.analytics.alerts import Transition
from services.analytics.explain import MESSAGES, message, rounded_risk, row
from services.analytics.pages import PAGES, Pages
from services.analytics.population.model import Model, risks, unfitted
from services.analytics.population.numbers import Numbers, known, numbers
from services.analytics.population.segments import Segments, segments_of
from services.analytics.record import (
    ATTRITION,
    DEEP,
    NONE,
    Observation,
    begins_again,
    ends,
    is_occasion,
    newcomer,
    record,
    restart,
)
from services.analytics.rules import Rules
from services.analytics.signs import DETECTORS, Verdict
from services.analytics.silence import BY_RISK, Outlook, outlooks, verdicts
from services.analytics.state import DAY, NEVER, Customer
from services.analytics.wire import alert_bytes, risk_bytes

__all__ = ["PAGES", "AlertOut", "Core", "Observation", "Output", "RiskOut", "Rules"]

LOOKED_AT_ONCE = 1024  # customers
RISK_STEP = 0.1  # a change of the risk within one step makes no new row


class AlertOut(msgspec.Struct, frozen=True, gc=False):
    """A message for `attrition.alerts`; the key is the customer."""

    customer: str
    value: bytes


class RiskOut(msgspec.Struct, frozen=True, gc=False):
    """A row for `attrition.risk`; the key is the customer."""

    customer: str
    value: bytes


Output = AlertOut | RiskOut


class Core:
    """The customers of one partition under one version of the rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.model = unfitted(rules)  # in force
        self._customers = Pages(rules.name)
        self._queue: list[tuple[int, str]] = []  # an entry counts only if `_queued` says the same
        self._queued: dict[str, int] = {}

    def observe(self, o: Observation) -> list[Output]:
        """Remembers and judges at the observation's time, or, if it comes late, as of the customer's latest instant."""
        c = self._customers.get(o.customer)
        if c is None:
            c = newcomer(o.customer, o.at)
            self._customers.add(c)
        at = c.now = max(o.at, c.now)
        if begins_again(c, o, self.rules):
            restart(c, at)
        touched = record(c, o, self.rules)
        if c.lapsed_at is not None:
            return []
        outputs = self._ended(c, at, o) if ends(c, o) else self._judge(c, at, touched, o)
        self._await(c)
        return outputs

    def advance(self, instant: int) -> list[Output]:
        """Judges, in order of id, the customers for whom something fell due. Once an instant: again gives nothing."""
        outputs: list[Output] = []
        for c in self._fallen_due(instant):
            c.now = max(instant, c.now)
            outputs += self._judge(c, c.now, NONE, None)
            self._await(c)
        return outputs

    def next_due(self) -> int | None:
        """The earliest instant at which time alone may change anything, micros; it may be early, never late."""
        while self._queue:
            due, customer = self._queue[0]
            if self._queued.get(customer) == due:
                return due
            heapq.heappop(self._queue)
        return None

    def risks(self, at: int, of: Sequence[str] | None = None) -> Iterator[tuple[str, float]]:
        """As of an instant not before the latest observation: of those named, or of every customer who has bought, in
        order of id."""
        everybody = self._with_occasions() if of is None else map(self._in_hand, of)
        for some in _batches(everybody, LOOKED_AT_ONCE):
            said = risks(self.model, known(some), np.full(len(some), at / DAY), self.rules.horizon_days)
            yield from ((c.id, round(risk, 6)) for c, risk in zip(some, said.tolist(), strict=True))

    def risk(self, customer: str) -> float | None:
        """As of the customer's latest instant; none: not known, or never bought."""
        c = self._customers.get(customer)
        return None if c is None else self._risk(c, c.now)

    def numbers(self) -> Iterator[Numbers]:
        """Of every customer with an occasion, in order of id."""
        return (row for c in self._customers.everybody() if (row := numbers(c)) is not None)

    def segments(self, week: int) -> Segments:
        """Exact figures of all customers in the week that ends at `week`, micros, by segment."""
        return segments_of(self._customers.everybody(), week, self.rules)

    def look(self, at: int, model: Model) -> list[Output]:
        """A model comes into force: everybody's risk is looked at, and how far silence takes it until the next one."""
        self.model = model
        if not model.is_fitted:
            return []
        outputs: list[Output] = []
        for some in _batches(self._with_occasions(), LOOKED_AT_ONCE):
            for c, seen in zip(some, outlooks(some, at, self.rules, model), strict=True):
                outputs += self._looked_at(c, at, seen)
        return outputs

    def dump_pages(self, changed_only: bool) -> dict[int, bytes]:
        """Pages with customers, or of those the ones that changed since the last dump."""
        return self._customers.dump(changed_only=changed_only)

    def load_pages(self, pages: Mapping[int, bytes]) -> None:
        """Replaces all customers by those of the pages. Raises OtherState, and then nothing is replaced."""
        loaded = self._customers.load(pages)
        self._queue, self._queued = [], {}
        for c in loaded:
            self._enqueue(c)

    def _looked_at(self, c: Customer, at: int, seen: Outlook) -> list[Output]:
        if seen.matters and c.lapsed_at is None:
            c = self._in_hand(c.id)
            c.now = max(at, c.now)
            outputs = self._judge(c, c.now, BY_RISK, None)
            self._await(c)
            return outputs
        if c.dues[ATTRITION] == c.dues[DEEP] == NEVER and int(seen.risk / RISK_STEP) == c.shown:
            return []
        c = self._in_hand(c.id)
        c.dues[ATTRITION] = c.dues[DEEP] = NEVER
        c.due = NEVER if c.lapsed_at is not None else min(min(c.dues), alerts.awaits(c.life, self.rules))
        return self._row(c, at, seen.risk, anyway=False)

    def _in_hand(self, customer: str) -> Customer:
        found = self._customers.get(customer)
        assert found is not None, "seen a moment ago"
        return found

    def _with_occasions(self) -> Iterator[Customer]:
        return (c for c in self._customers.everybody() if c.occasions is not None)

    def _judge(self, c: Customer, at: int, touched: Sequence[int], o: Observation | None) -> list[Output]:
        rules, dues = self.rules, c.dues
        if at >= c.due:
            touched = [number for number, due in enumerate(dues) if due <= at or number in touched]
        for number, (up, due) in self._verdicts(c, at, touched):
            bit, dues[number] = 1 << number, due
            c.up = c.up | bit if up else c.up & ~bit
        is_back = o is not None and is_occasion(o, rules)
        outputs: list[Output] = []
        if (why := alerts.judged(c.life, c.up, at, c.alerts + 1, rules, is_back=is_back)) is not None:
            outputs.append(self._alert(c, at, why, o))
        if o is not None and (why := alerts.commanded(c.life, o, at, c.alerts + 1, rules)) is not None:
            outputs.append(self._alert(c, at, why, o))
        if outputs or is_back or o is None:
            outputs += self._row(c, at, self._risk(c, at), anyway=bool(outputs))
        c.due = min(min(dues), alerts.awaits(c.life, rules))
        return outputs

    def _verdicts(self, c: Customer, at: int, touched: Collection[int]) -> Iterator[tuple[int, Verdict]]:
        """The two by the risk are found together: they ask the model the same."""
        for number in touched:
            if number < ATTRITION:
                yield number, DETECTORS[number](c, at, c.up >> number & 1 > 0, self.rules)
        if ATTRITION in touched or DEEP in touched:
            yield from verdicts(c, at, self.rules, self.model).items()

    def _ended(self, c: Customer, at: int, o: Observation) -> list[Output]:
        """A lapse: nothing is awaited of this customer until they buy again."""
        why = alerts.lapsed(c.life)
        outputs: list[Output] = [] if why is None else [self._alert(c, at, why, o)]
        c.lapsed_at, c.up, c.due = o.at, 0, NEVER
        c.dues = [NEVER] * len(c.dues)
        return outputs + self._row(c, at, self._risk(c, at), anyway=True)

    def _alert(self, c: Customer, at: int, why: Transition, o: Observation | None) -> AlertOut:
        said = message(c, at, why, o, self.rules, self.model)
        c.alerts += 1
        c.life.risk = said.risk
        return AlertOut(c.id, alert_bytes(c.id, c.alerts, MESSAGES[why], said))

    def _risk(self, c: Customer, at: int) -> float | None:
        return rounded_risk(c, at, self.rules, self.model)

    def _row(self, c: Customer, at: int, risk: float | None, *, anyway: bool) -> list[Output]:
        step = -1 if risk is None else int(risk / RISK_STEP)
        if step == c.shown and not anyway:
            return []
        c.shown = step
        c.rows += 1
        return [RiskOut(c.id, risk_bytes(c.id, c.rows, row(c, at, risk, self.rules)))]

    def _fallen_due(self, instant: int) -> list[Customer]:
        due: list[Customer] = []
        while self._queue and self._queue[0][0] <= instant:
            at, customer = heapq.heappop(self._queue)
            if self._queued.get(customer) != at:
                continue
            del self._queued[customer]
            c = self._customers.get(customer)
            assert c is not None, "only customers who are there are awaited"
            if c.due <= instant:
                due.append(c)
            else:
                self._enqueue(c)
        return sorted(due, key=lambda c: c.id)

    def _await(self, c: Customer) -> None:
        """An entry that is too early costs a look at the queue when its time comes, and spares one now."""
        if c.due < self._queued.get(c.id, NEVER):
            self._enqueue(c)

    def _enqueue(self, c: Customer) -> None:
        if c.due < NEVER:
            self._queued[c.id] = c.due
            heapq.heappush(self._queue, (c.due, c.id))


def _batches(customers: Iterable[Customer], size: int) -> Iterator[list[Customer]]:
    waiting = iter(customers)
    while some := list(islice(waiting, size)):
        yield some

"""What follows for a partition's customers from what is observed and from the passing of time?

In: observations and instants of the grid, one after another. Out: alerts and risk rows, as bytes ready to be
published. The answers depend on that sequence alone, not on how it is cut into batches, on the process or on a
restart in between. No clock, no I/O.

A customer is looked at when something is observed, and at the first instant after the next at which silence alone may
change a verdict; customers who are long gone cost nothing.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from services.analytics import alerts
from services.analytics.alerts import Transition
from services.analytics.explain import MESSAGES, message, rounded_risk, row
from services.analytics.pages import PAGES, Pages
from services.analytics.record import NONE, Observation, begins_again, ends, is_occasion, newcomer, record, restart
from services.analytics.rules import Rules
from services.analytics.signs import DETECTORS
from services.analytics.state import NEVER, Customer
from services.analytics.wire import alert_bytes, risk_bytes

__all__ = ["PAGES", "AlertOut", "Core", "Observation", "Output", "RiskOut", "Rules"]

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

    def risks(self, at: int) -> Iterator[tuple[str, float]]:
        """As of an instant not before the latest observation: of every customer who has bought, in order of id."""
        for c in self._customers.everybody():
            if (risk := rounded_risk(c, at, self.rules)) is not None:
                yield c.id, risk

    def dump_pages(self, changed_only: bool) -> dict[int, bytes]:
        """Pages with customers, or of those the ones that changed since the last dump."""
        return self._customers.dump(changed_only=changed_only)

    def load_pages(self, pages: Mapping[int, bytes]) -> None:
        """Replaces all customers by those of the pages. Raises OtherState, and then nothing is replaced."""
        loaded = self._customers.load(pages)
        self._queue, self._queued = [], {}
        for c in loaded:
            self._enqueue(c)

    def _judge(self, c: Customer, at: int, touched: Sequence[int], o: Observation | None) -> list[Output]:
        rules, dues = self.rules, c.dues
        if at >= c.due:
            touched = [number for number, due in enumerate(dues) if due <= at or number in touched]
        for number in touched:
            bit = 1 << number
            up, dues[number] = DETECTORS[number](c, at, c.up & bit > 0, rules)
            c.up = c.up | bit if up else c.up & ~bit
        is_back = o is not None and is_occasion(o, rules)
        outputs: list[Output] = []
        if (why := alerts.judged(c.life, c.up, at, c.alerts + 1, rules, is_back=is_back)) is not None:
            outputs.append(self._alert(c, at, why, o))
        if o is not None and (why := alerts.commanded(c.life, o, at, c.alerts + 1, rules)) is not None:
            outputs.append(self._alert(c, at, why, o))
        if outputs or is_back or o is None:
            outputs += self._row(c, at, anyway=bool(outputs))
        c.due = min(min(dues), alerts.awaits(c.life, rules))
        return outputs

    def _ended(self, c: Customer, at: int, o: Observation) -> list[Output]:
        """A lapse: nothing is awaited of this customer until they buy again."""
        why = alerts.lapsed(c.life)
        outputs: list[Output] = [] if why is None else [self._alert(c, at, why, o)]
        c.lapsed_at, c.up, c.due = o.at, 0, NEVER
        c.dues = [NEVER] * len(c.dues)
        return outputs + self._row(c, at, anyway=True)

    def _alert(self, c: Customer, at: int, why: Transition, o: Observation | None) -> AlertOut:
        said = message(c, at, why, o, self.rules)
        c.alerts += 1
        c.life.risk = said.risk
        return AlertOut(c.id, alert_bytes(c.id, c.alerts, MESSAGES[why], said))

    def _row(self, c: Customer, at: int, *, anyway: bool) -> list[Output]:
        risk = rounded_risk(c, at, self.rules)
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

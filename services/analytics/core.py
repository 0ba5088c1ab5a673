"""What follows for a partition's customers from what is observed and from the passing of time?

In: observations and instants of the grid, one after another. Out: alerts and risk rows, as bytes ready to be
published. The answers depend on that sequence alone, not on how it is cut into batches, on the process or on a
restart in between. No clock, no I/O.

A customer is looked at when something is observed, and at the first instant after the next at which silence alone may
change a verdict; customers who are long gone cost nothing.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from services.analytics import alerts
from services.analytics.alerts import Transition
from services.analytics.explain import message, rounded_risk, row
from services.analytics.pages import PAGES, page_of, read_page, write_page
from services.analytics.record import NONE, Observation, begins_again, ends, newcomer, record, restart
from services.analytics.rules import Rules
from services.analytics.signs import DETECTORS
from services.analytics.state import NEVER, Customer
from shared.contracts.analytics import alert_bytes, risk_bytes

__all__ = ["PAGES", "AlertOut", "Core", "Observation", "Output", "RiskOut", "Rules"]

RISK_STEP = 0.1  # a change of the risk within one step makes no new row


@dataclass(frozen=True, slots=True)
class AlertOut:
    """A message for `attrition.alerts`; the key is the customer."""

    customer: str
    value: bytes


@dataclass(frozen=True, slots=True)
class RiskOut:
    """A row for `attrition.risk`; the key is the customer."""

    customer: str
    value: bytes


Output = AlertOut | RiskOut


class Core:
    """The customers of one partition under one version of the rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._pages: list[dict[str, Customer]] = [{} for _ in range(PAGES)]
        self._changed: set[int] = set()
        self._queue: list[tuple[int, str]] = []  # an entry counts only if `_queued` says the same
        self._queued: dict[str, int] = {}

    def observe(self, o: Observation) -> list[Output]:
        """Remembers and judges at the observation's time, or, if it comes late, as of the customer's latest instant."""
        number = page_of(o.customer)
        c = self._pages[number].get(o.customer)
        if c is None:
            c = self._pages[number][o.customer] = newcomer(o.customer, o.at)
        self._changed.add(number)
        at = c.now = max(o.at, c.now)
        if begins_again(c, o):
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
            self._changed.add(page_of(c.id))
            outputs += self._judge(c, c.now, NONE, None)
            self._await(c)
        return outputs

    def next_due(self) -> int | None:
        """The earliest instant at which time alone may change anything, micros; it may be early, never late."""
        while self._queue and self._queued.get(self._queue[0][1]) != self._queue[0][0]:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def dump_pages(self, changed_only: bool) -> dict[int, bytes]:
        """Pages with customers, or of those the ones that changed since the last dump."""
        numbers = sorted(self._changed) if changed_only else [n for n in range(PAGES) if self._pages[n]]
        self._changed.clear()
        return {number: write_page(self.rules.name, self._pages[number].values()) for number in numbers}

    def load_pages(self, pages: Mapping[int, bytes]) -> None:
        """Replaces all customers by those of the pages. Raises OtherState, and then nothing is replaced."""
        read = {number: read_page(self.rules.name, raw) for number, raw in pages.items()}
        self._pages = [{c.id: c for c in read.get(number, ())} for number in range(PAGES)]
        self._changed, self._queue, self._queued = set(), [], {}
        for customers in read.values():
            for c in customers:
                self._enqueue(c)

    def _judge(self, c: Customer, at: int, touched: tuple[int, ...], o: Observation | None) -> list[Output]:
        for number in touched if at < c.due else [n for n, due in enumerate(c.dues) if due <= at or n in touched]:
            up, c.dues[number] = DETECTORS[number](c, at, bool(c.up >> number & 1), self.rules)
            c.up = c.up | 1 << number if up else c.up & ~(1 << number)
        bought = o is not None and o.kind == "purchase"
        outputs: list[Output] = []
        if (why := alerts.judged(c.life, c.up, at, c.alerts + 1, self.rules, bought=bought)) is not None:
            outputs.append(self._alert(c, at, why, o))
        if o is not None and (why := alerts.commanded(c.life, o, at, c.alerts + 1, self.rules)) is not None:
            outputs.append(self._alert(c, at, why, o))
        if outputs or bought or o is None:
            outputs += self._row(c, at, anyway=bool(outputs))
        c.due = min(*c.dues, alerts.awaits(c.life, self.rules))
        return outputs

    def _ended(self, c: Customer, at: int, o: Observation) -> list[Output]:
        """A lapse: nothing is awaited of this customer until they buy again."""
        why = alerts.lapsed(c.life)
        outputs: list[Output] = [] if why is None else [self._alert(c, at, why, o)]
        c.lapsed_at, c.up, c.due = o.at, 0, NEVER
        c.dues = [NEVER] * len(c.dues)
        return outputs + self._row(c, at, anyway=True)

    def _alert(self, c: Customer, at: int, why: Transition, o: Observation | None) -> AlertOut:
        data = message(c, at, why, o, self.rules)
        c.alerts += 1
        c.life.risk = data.risk
        return AlertOut(c.id, alert_bytes(c.id, c.alerts, data))

    def _row(self, c: Customer, at: int, *, anyway: bool) -> list[Output]:
        risk = rounded_risk(c, at, self.rules)
        step = -1 if risk is None else int(risk / RISK_STEP)
        if step == c.shown and not anyway:
            return []
        c.shown = step
        c.rows += 1
        return [RiskOut(c.id, risk_bytes(c.id, c.rows, row(c, at, self.rules)))]

    def _fallen_due(self, instant: int) -> list[Customer]:
        due: list[Customer] = []
        while self._queue and self._queue[0][0] <= instant:
            at, customer = heapq.heappop(self._queue)
            if self._queued.get(customer) != at:
                continue
            del self._queued[customer]
            c = self._pages[page_of(customer)][customer]
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

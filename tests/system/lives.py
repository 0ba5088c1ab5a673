"""Lives of customers planned so that an alert has one right instant.

For silence, the core is asked alone when it speaks, and the life is moved in time until it is then: a risk depends on
how far events lie apart, not on their dates.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.sending.lines import Line
from services.analytics.core import AlertOut, Core, Observation, Rules
from shared.contracts.values import format_time, to_micros

RHYTHM = timedelta(days=10)
PURCHASES = 12


@dataclass(frozen=True)
class Life:
    """A customer who bought in an even rhythm, and then no more. `crossing`: the first instant that has an alert."""

    customer: str
    bought: Sequence[datetime]
    crossing: datetime

    def lines(self, **data: object) -> list[Line]:
        """Its purchases as a channel sends them. `data` is added to each."""
        return [
            line(f"{self.customer}-{n}", self.customer, "purchase", at, amount_minor=2_000, currency="EUR", **data)
            for n, at in enumerate(self.bought)
        ]


def life(customer: str, crossing: datetime) -> Life:
    """One whose alert is raised at `crossing`, to the microsecond."""
    first = crossing
    for _ in range(3):  # which purchases share a day with others may change the answer a little
        bought = _rhythm_from(first)
        first += crossing - bought[0] - _alert_after(bought)
    assert first == bought[0]
    return Life(customer, bought, crossing)


def divided(customer: str, day: datetime) -> list[Line]:
    """One who complains to one service and an hour later buys from another, on two days: the second complaint raises an
    alert. Whoever judges the purchase first gives it another instant."""
    return [
        told
        for n, at in enumerate((day + timedelta(hours=9), day + timedelta(hours=33)))
        for told in (
            line(f"{customer}-fault-{n}", customer, "complaint", at),
            line(f"{customer}-{n}", customer, "purchase", at + timedelta(hours=1), amount_minor=2_000, currency="EUR"),
        )
    ]


def line(id_: str, customer: str, kind: str, at: datetime, **data: object) -> Line:
    event = {
        "specversion": "1.0", "id": id_, "source": "web-shop", "type": f"tenure.{kind}.v1", "subject": customer,
        "time": format_time(at), "data": data,
    }  # fmt: skip
    return Line(0, at, id_, json.dumps(event).encode())


def _rhythm_from(first: datetime) -> list[datetime]:
    return [first + n * RHYTHM for n in range(PURCHASES)]


def _alert_after(bought: Sequence[datetime]) -> timedelta:
    """From the first purchase to the first alert, if nothing else happens."""
    core, first = Core(Rules()), to_micros(bought[0])
    for at in bought:
        core.observe(Observation("c", to_micros(at), "purchase", "web-shop|1", amount_minor=2_000, currency="EUR"))
    while (due := core.next_due()) is not None:
        if any(isinstance(output, AlertOut) for output in core.advance(due)):
            return timedelta(microseconds=due - first)
    raise AssertionError("such a life gives no alert")

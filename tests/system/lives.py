"""Lives of customers planned so that an alert has one right instant.

For silence, the core is asked alone when it speaks, and the life is moved in time until it is then: a verdict depends
on how far events lie apart, not on their dates. The risk depends on the base as well, so a silent customer has a right
instant only as long as nothing has been learnt of one; an account whose buyers leave has one in any base.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.sending.lines import Line
from services.analytics.core import AlertOut, Core, Observation, Rules
from shared.contracts.analytics import alert_id
from shared.contracts.measures import CATALOGUE
from shared.contracts.values import format_time, to_micros

RHYTHM = timedelta(days=10)
PURCHASES = 12
STILL_THERE = timedelta(days=42)  # of the third buyer, after the others: less than it takes for them to be gone
IN_HAND = timedelta(minutes=30)  # after the alert
QUIET = timedelta(days=40)  # of silence about an alert

Purchase = tuple[datetime, str | None]
"""When, and by which buyer of the account."""


@dataclass(frozen=True)
class Life:
    """A customer who bought in an even rhythm, and then no more, or with fewer buyers. `crossing`: the first instant
    that has an alert."""

    customer: str
    purchases: Sequence[Purchase]
    crossing: datetime

    def lines(self, **data: object) -> list[Line]:
        """Its purchases as a channel sends them. `data` is added to each."""
        return [
            line(
                f"{self.customer}-{n}", self.customer, "purchase", at, amount_minor=2_000, currency="EUR",
                **({} if buyer is None else {"buyer": buyer}), **data,
            )
            for n, (at, buyer) in enumerate(self.purchases)
        ]  # fmt: skip


def life(customer: str, crossing: datetime) -> Life:
    """One who falls silent and whose alert is raised at `crossing`, to the microsecond, in a base of a few."""
    return _moved(customer, crossing, _rhythm_from)


def account(customer: str, crossing: datetime) -> Life:
    """Two of three buyers leave, the third buys what all of them bought: in any base the alert is raised at `crossing`,
    to the microsecond."""
    return _moved(customer, crossing, _fewer_buyers_from)


def _moved(customer: str, crossing: datetime, purchases_from: Callable[[datetime], Sequence[Purchase]]) -> Life:
    first = crossing
    for _ in range(3):  # which purchases share a day with others may change the answer a little
        purchases = purchases_from(first)
        first += crossing - purchases[0][0] - _alert_after(purchases)
    assert first == purchases[0][0]
    return Life(customer, purchases, crossing)


def divided(customer: str, day: datetime, *, is_snoozed: bool) -> list[Line]:
    """One who complains to one service and an hour later buys from another, three days running: the third complaint
    raises an alert. Whoever judges the purchase first gives it another instant. In between somebody takes the alert in
    hand, or wants quiet for longer than it takes until another sign joins. Whoever judges that before the complaint
    gives no message of it."""
    told = [
        said
        for n, at in enumerate(day + timedelta(days=n, hours=9) for n in range(3))
        for said in (
            line(f"{customer}-fault-{n}", customer, "complaint", at),
            line(f"{customer}-{n}", customer, "purchase", at + timedelta(hours=1), amount_minor=2_000, currency="EUR"),
        )
    ]
    raised = told[-2].at
    until = {"until": format_time(raised + QUIET), "reason": "a technician is on the way"} if is_snoozed else {}
    kind, alert = "alert-snoozed" if is_snoozed else "alert-acknowledged", alert_id(Rules().name, customer, 1)
    return [*told, line(f"{customer}-hand", customer, kind, raised + IN_HAND, alert=alert, by="Kim", **until)]


def catalogue(at: datetime) -> Line:
    """Measures in money of either currency, and in shares of the ticket."""
    calls = [
        {"name": f"call in {currency}", "words": "a call", "cost": {"amount_minor": 1, "currency": currency},
         "success_thousandths": 90}
        for currency in ("EUR", "USD")
    ]  # fmt: skip
    remedy = {"name": "remedy", "words": "a remedy", "cost": {"thousandths_of_ticket": 10}, "success_thousandths": 400,
              "suits": ["complaint_increase"]}  # fmt: skip
    return _line("crm", f"measures-{at:%Y%m%d}", CATALOGUE, "measures", at, measures=[*calls, remedy])


def line(id_: str, customer: str, kind: str, at: datetime, **data: object) -> Line:
    return _line("web-shop", id_, customer, kind, at, **data)


def _line(source: str, id_: str, subject: str, kind: str, at: datetime, **data: object) -> Line:
    event = {
        "specversion": "1.0", "id": id_, "source": source, "type": f"tenure.{kind}.v1", "subject": subject,
        "time": format_time(at), "data": data,
    }  # fmt: skip
    return Line(0, at, id_, json.dumps(event).encode())


def _rhythm_from(first: datetime) -> list[Purchase]:
    return [(first + n * RHYTHM, None) for n in range(PURCHASES)]


def _fewer_buyers_from(first: datetime) -> list[Purchase]:
    turns = [first + n * RHYTHM / 3 for n in range(3 * PURCHASES + STILL_THERE // (RHYTHM / 3))]
    return [(at, "abc"[n % 3] if n < 3 * PURCHASES else "c") for n, at in enumerate(turns)]


def _alert_after(purchases: Sequence[Purchase]) -> timedelta:
    """From the first purchase to the first alert, if nothing else happens."""
    core, first = Core(Rules()), to_micros(purchases[0][0])
    for at, buyer in purchases:
        core.observe(
            Observation("c", to_micros(at), "purchase", "web-shop|1", amount_minor=2_000, currency="EUR", buyer=buyer)
        )
    while (due := core.next_due()) is not None:
        if any(isinstance(output, AlertOut) for output in core.advance(due)):
            return timedelta(microseconds=due - first)
    raise AssertionError("such a life gives no alert")

"""What happens to the dozen customers of the demo's story, and why? `python -m cli.data.make_story` writes it anew.

In: nothing but SEED. Out: neutral lines in order of time, the same on every machine. Each of the first six customers
shows one of the six signs of attrition after a long, even past; four of the others leave, and with David and Karl every
defector type is told of exactly one customer. Ivan stays. A test runs the story through the detectors.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from cli.data import STORY
from shared.contracts.values import format_time

SEED = 1997
FIRST, LAST = date(1997, 1, 2), date(1998, 6, 30)
TURN = date(1998, 2, 1)  # until then all is well with those who show a sign
WEEK, FORTNIGHT, MONTH = 7, 14, 30  # days

CRM, CALLS, FIELD, SHOP, SURVEY = "crm", "call-centre", "field-sales", "web-shop", "survey"


@dataclass
class Customer:
    """Tells the events of one customer; `name` seeds the small irregularities of a life."""

    name: str
    segment: str = "private"
    always: dict[str, Any] = field(default_factory=dict)  # said in the data of every event
    lines: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(f"{SEED}/{self.name}")

    def tell(self, kind: str, day: date, source: str, channel: str, **more: Any) -> str:
        """The event's id. `more`: amount and direction stand in the line itself, all else in its data."""
        top: dict[str, Any] = {name: more.pop(name) for name in ("amount", "direction") if name in more}
        at = datetime.combine(day, time(8), UTC) + timedelta(minutes=self.chance.randrange(10 * 60))
        line: dict[str, Any] = {
            "id": f"{self.name}-{len(self.lines) + 1:03}",
            "customer_id": f"story-{self.name}",
            "type": kind,
            "time": format_time(at),
            "source": source,
            "channel": channel,
            "segment": self.segment,
        } | top
        if "amount" in top:
            line["currency"] = "USD"
        if data := self.always | more:
            line["data"] = data
        self.lines.append(line)
        return str(line["id"])

    def days(self, start: date, end: date, every: int) -> Iterator[date]:
        """From `start` to before `end`, about `every` days apart: each a day early or late, by chance."""
        day = start
        while day < end:
            yield min(max(day + timedelta(days=self.chance.choice((-1, 0, 0, 1))), FIRST), LAST)
            day += timedelta(days=every)

    def buy(self, start: date, end: date, every: int, dollars: float, source: str = SHOP, **more: Any) -> None:
        """Amounts within a tenth of `dollars`."""
        for day in self.days(start, end, every):
            cents = round(dollars * 100 * self.chance.uniform(0.9, 1.1))
            self.tell(
                "purchase",
                day,
                source,
                "web" if source == SHOP else "visit",
                amount=f"{cents // 100}.{cents % 100:02}",
                **more,
            )

    def call(self, start: date, end: date, every: int, channel: str = "telephone", **more: Any) -> None:
        for day in self.days(start, end, every):
            self.tell("contact", day, CALLS if channel == "telephone" else CRM, channel, **more)

    def ask(self, start: date, end: date, every: int, topic: str, **more: Any) -> None:
        for day in self.days(start, end, every):
            self.tell("enquiry", day, CRM, "web", topic=topic, **more)


def anna() -> Customer:
    """Fewer contacts: she used to telephone every week; now she only fills in forms, and still buys."""
    c = Customer("anna-berg")
    c.buy(FIRST, LAST, FORTNIGHT, 85)
    c.call(FIRST, TURN, WEEK)
    c.ask(FIRST, TURN, WEEK, "new releases")
    c.ask(TURN, LAST, 4, "new releases")
    return c


def boris() -> Customer:
    """Fewer enquiries: he asked for every catalogue, now for none; he still talks to us and buys."""
    c = Customer("boris-lind")
    c.tell("enquiry", FIRST, CRM, "web", origin="suspect", stance="indifferent", topic="catalogue")
    c.buy(date(1997, 1, 20), LAST, FORTNIGHT, 60)
    c.ask(date(1997, 1, 12), TURN, 6, "catalogue", stance="preferer")
    c.call(FIRST, TURN, 9, "email")
    c.call(TURN, LAST, 4, "email")
    return c


def clara() -> Customer:
    """Less communication: our letters go on, her side has fallen silent. She buys as before, by standing order."""
    c = Customer("clara-voss")
    c.buy(FIRST, LAST, MONTH, 140)
    c.call(FIRST, TURN, 16, "email")
    c.ask(FIRST, TURN, 16, "delivery")
    for day in c.days(FIRST, LAST, FORTNIGHT):
        c.tell("contact", day, CRM, "mailing", direction="outbound", purpose="marketing")
    c.tell(
        "contact",
        date(1998, 4, 20),
        CALLS,
        "telephone",
        direction="outbound",
        purpose="follow-up",
        words="Nobody answered.",
    )
    return c


def david() -> Customer:
    """More complaints, all about service, answered late or not at all; his satisfaction falls with it."""
    c = Customer("david-okafor")
    c.buy(FIRST, LAST, FORTNIGHT, 120)
    c.call(FIRST, LAST, FORTNIGHT)
    c.tell("satisfaction", date(1997, 6, 3), SURVEY, "email", score=82, survey="summer-1997")
    c.tell(
        "complaint", date(1997, 5, 6), CALLS, "telephone", complaint="late-may", words="The parcel came a week late."
    )
    c.tell("complaint-progress", date(1997, 5, 7), CRM, "email", complaint="late-may", step="acknowledged")
    c.tell("complaint-progress", date(1997, 5, 12), CRM, "email", complaint="late-may", step="resolved")
    for number, day in enumerate(c.days(TURN, date(1998, 6, 20), 9), start=1):
        c.tell(
            "complaint",
            day,
            CALLS,
            "telephone",
            complaint=f"service-{number}",
            about="service",
            words="Nobody calls back.",
        )
    c.tell("complaint-progress", date(1998, 2, 3), CRM, "email", complaint="service-1", step="acknowledged")
    c.tell("complaint-progress", date(1998, 2, 9), CRM, "email", complaint="service-1", step="resolved")
    c.tell("complaint-progress", date(1998, 2, 16), CALLS, "telephone", complaint="service-1", step="reopened")
    c.tell("satisfaction", date(1998, 5, 28), SURVEY, "email", score=24, survey="summer-1998")
    return c


def harbour() -> Customer:
    """Fewer active buyers: six people bought for this account, two still do, and for the time being they buy more."""
    c = Customer("harbour-works", "business", {"account": "Harbour Works"})
    people = ("Ames", "Boyd", "Cole", "Dunn", "Ellis", "Ford")
    c.tell("contact", FIRST, FIELD, "visit", purpose="agreement", buyer="Ames")
    for number, buyer in enumerate(people):
        c.buy(FIRST + timedelta(days=3 * number), TURN, 18, 210, FIELD, buyer=buyer)
    for buyer in people[:2]:
        c.buy(TURN, LAST, 6, 210, FIELD, buyer=buyer)
    return c


def fatima() -> Customer:
    """Less volume: a full basket every week became one disc a month."""
    c = Customer("fatima-noor")
    fall = date(1998, 1, 1)
    c.buy(FIRST, fall, WEEK, 180)
    c.buy(fall, LAST, MONTH, 15)
    c.call(FIRST, LAST, 12, "chat")
    return c


def george() -> Customer:
    """Price: he leaves for a cheaper shop, is asked back, and returns."""
    c = Customer("george-hale")
    c.buy(FIRST, date(1997, 11, 20), FORTNIGHT, 55)
    c.tell(
        "lapse",
        date(1997, 11, 24),
        CRM,
        "email",
        reason="price",
        words="The same for a third less.",
        to_competitor="Discount Discs",
    )
    offer = c.tell("contact", date(1998, 4, 6), CRM, "mail", direction="outbound", purpose="offer")
    c.tell("contact", date(1998, 4, 9), CRM, "mail", answers=offer)
    c.buy(date(1998, 4, 14), LAST, FORTNIGHT, 50)
    return c


def hanna() -> Customer:
    """Product: the account is closed without a word; the exit interview tells why."""
    c = Customer("hanna-ito")
    c.buy(FIRST, date(1998, 1, 10), 10, 35)
    c.tell("lapse", date(1998, 1, 15), SHOP, "web")
    c.tell(
        "exit-interview",
        date(1998, 2, 2),
        CALLS,
        "telephone",
        reason="product",
        words="You stopped carrying jazz.",
        would_return=True,
    )
    return c


def ivan() -> Customer:
    """Nothing: a contented customer, for comparison."""
    c = Customer("ivan-petrov")
    c.tell("enquiry", FIRST, CRM, "telephone", origin="existing-customer", stance="preferer")
    c.buy(FIRST, LAST, FORTNIGHT, 70)
    c.call(FIRST, LAST, FORTNIGHT)
    c.tell("satisfaction", date(1997, 6, 4), SURVEY, "email", score=91, survey="summer-1997")
    c.tell("suggestion", date(1997, 9, 17), CRM, "community", words="Let us listen before we buy.")
    c.tell("satisfaction", date(1998, 5, 27), SURVEY, "email", score=94, survey="summer-1998")
    return c


def julia() -> Customer:
    """Market: won through all five stages by a referral; she moves to a country we do not deliver to."""
    c = Customer("julia-santos")
    c.tell(
        "enquiry", date(1997, 1, 8), CRM, "web", origin="referral", referred_by="story-ivan-petrov", topic="catalogue"
    )
    c.tell("contact", date(1997, 1, 13), CALLS, "telephone", follow_up_by="1997-01-20T17:00:00Z")
    c.tell("contact", date(1997, 1, 17), CALLS, "telephone", direction="outbound", purpose="offer")
    c.tell("contact", date(1997, 1, 22), CRM, "email", purpose="agreement")
    c.buy(date(1997, 1, 27), date(1998, 2, 10), FORTNIGHT, 95)
    c.tell("lapse", date(1998, 2, 16), CRM, "email", reason="market", words="We are moving to Brazil.")
    return c


def karl() -> Customer:
    """Technology: discs no longer fit his player; the cause is found while his complaint is handled."""
    c = Customer("karl-weber")
    c.buy(FIRST, date(1998, 4, 1), FORTNIGHT, 65)
    c.tell(
        "complaint",
        date(1998, 4, 6),
        CALLS,
        "telephone",
        complaint="player",
        words="They will not play on my new machine.",
    )
    c.tell("complaint-progress", date(1998, 4, 7), CRM, "email", complaint="player", step="acknowledged")
    c.tell(
        "complaint-progress",
        date(1998, 4, 14),
        CRM,
        "email",
        complaint="player",
        step="resolved",
        about="technological",
    )
    c.tell("lapse", date(1998, 4, 27), SHOP, "web")
    return c


def lena() -> Customer:
    """Organisation: a competitor's customer, won by a campaign, whose company merges and now buys centrally."""
    c = Customer("lena-moreau", "business", {"account": "Moreau et Fils"})
    campaign = {"name": "spring-1997", "responded": True, "cost_minor": 450, "currency": "USD"}
    c.tell(
        "enquiry", date(1997, 3, 4), FIELD, "visit", origin="competitors-customer", stance="knower", campaign=campaign
    )
    c.tell("contact", date(1997, 3, 11), FIELD, "visit", purpose="offer", handled_by="Agency North")
    c.buy(date(1997, 3, 20), date(1998, 3, 10), 10, 160, FIELD)
    c.tell(
        "lapse",
        date(1998, 3, 16),
        FIELD,
        "visit",
        reason="organisational",
        words="Head office buys for us from now on.",
    )
    return c


CAST = (anna, boris, clara, david, harbour, fatima, george, hanna, ivan, julia, karl, lena)


def make_story() -> list[dict[str, Any]]:
    """Neutral lines, in order of time, customer, id."""
    lines = [line for tell in CAST for line in tell().lines]
    return sorted(lines, key=lambda line: (line["time"], line["customer_id"], line["id"]))


def story_text() -> str:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in make_story())


if __name__ == "__main__":
    STORY.write_text(story_text(), encoding="utf-8")

"""A short history of a few customers, drawn from a seed: events of every kind that leads to facts, timers and
reactions."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from shared.contracts.catalogue import OWNER_OF

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 60
TICK_DAYS = 10
DEFECTORS = ("price", "product", "service", "market", "technological", "organisational")


@dataclass(frozen=True, slots=True)
class Sent:
    """An event as a channel sends it."""

    at: datetime
    id: str
    customer: str
    owner: str
    raw: bytes


def draw(rng: Random, events: int, customers: int) -> list[Sent]:
    """In the order in which a sender sorts a file: time, then the event's own id."""
    numbers = list(range(events))
    rng.shuffle(numbers)
    return sorted((_one(rng, f"e{n:03}", customers) for n in numbers), key=lambda s: (s.at, s.id))


def a_year_ahead(sent: Sent) -> Sent:
    """The same by a clock that is fast; it is sent when it happens all the same."""
    document = json.loads(sent.raw)
    document["time"] = (sent.at + timedelta(days=365)).isoformat()
    return replace(sent, raw=json.dumps(document).encode())


def ticks() -> list[datetime]:
    """Every TICK_DAYS of history, and one beyond its end."""
    return [START + timedelta(days=d) for d in range(TICK_DAYS, DAYS + 3 * TICK_DAYS + 1, TICK_DAYS)]


def _one(rng: Random, id_: str, customers: int) -> Sent:
    at = START + timedelta(hours=6 * rng.randrange(4 * DAYS))
    customer = f"c{rng.randrange(customers)}"
    type_, data = _said(rng)
    document = {
        "specversion": "1.0",
        "id": id_,
        "source": "shop",
        "type": type_,
        "subject": customer,
        "time": at.isoformat(),
        "data": data,
    }
    return Sent(at, id_, customer, OWNER_OF[type_], json.dumps(document).encode())


def _said(rng: Random) -> tuple[str, dict[str, Any]]:
    about = rng.choice(DEFECTORS)
    return rng.choice(
        (
            ("tenure.purchase.v1", {"amount_minor": 1000 + rng.randrange(5000), "currency": "EUR"}),
            ("tenure.purchase.v1", {"amount_minor": 0, "currency": "EUR"}),
            ("tenure.contact.v1", {"route": "email", "purpose": rng.choice(("conversation", "offer", "agreement"))}),
            ("tenure.complaint.v1", {"complaint": "late parcel", "about": about}),
            (
                "tenure.complaint-progress.v1",
                {"complaint": "late parcel", "step": rng.choice(("acknowledged", "resolved"))},
            ),
            ("tenure.enquiry.v1", {"origin": "referral"}),
            ("tenure.lapse.v1", {"reason": about}),
        )
    )

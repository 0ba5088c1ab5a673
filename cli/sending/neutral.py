"""What does a line of a data file say, as an event of this system?

In: one JSON object, either a CloudEvent, which is taken as it is, or the neutral format of `cli/data/README.md`. Out: a
CloudEvent. Nothing is guessed: a line that cannot be said exactly is a `BadLine`. What a type has no place for (`orig`,
the amount of a complaint, the direction of a purchase) stays in the file.
"""

from typing import Any

from cli.money import to_minor
from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.values import NO_CURRENCY

ROUTES = {
    "email": "email",
    "e-mail": "email",
    "chat": "chat",
    "web": "web",
    "community": "community",
    "telephone": "telephone",
    "phone": "telephone",
    "fax": "fax",
    "mail": "mail",
    "mailing": "mail",
    "television": "television",
    "tv": "television",
    "visit": "visit",
    "store": "visit",
}
DESCRIBING = ("channel", "segment")  # said of every type
DIRECTED = ("contact", "complaint")  # types that know who began


class BadLine(ValueError):  # noqa: N818 - it is not the program's error but the file's
    """A line that is no event; the message says what is wrong, for its author."""


def to_cloudevent(document: dict[str, Any], source: str) -> dict[str, Any]:
    """`source` is used where the line names none. Raises BadLine."""
    if "specversion" in document:
        return document
    kind = _text(document, "type")
    if f"tenure.{kind}.v1" not in INPUT_TYPES:
        raise BadLine(f"type {kind!r} is none of {', '.join(sorted(t.split('.')[1] for t in INPUT_TYPES))}")
    return {
        "specversion": "1.0",
        "id": _text(document, "id"),
        "source": document.get("source", source),
        "type": f"tenure.{kind}.v1",
        "subject": _text(document, "customer_id"),
        "time": _text(document, "time"),
        "datacontenttype": "application/json",
        "data": _data(kind, document),
    }


def _data(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    data = {name: document[name] for name in DESCRIBING if document.get(name) is not None}
    if kind in DIRECTED:
        data |= {"direction": document.get("direction", "inbound")} | _route(document.get("channel"))
    more = document.get("data", {})
    if not isinstance(more, dict):
        raise BadLine("data: expected a JSON object")
    if kind == "purchase" and not more.keys() & {"amount_minor", "currency"}:
        data |= _price(document)
    return data | more


def _route(channel: Any) -> dict[str, str]:
    """It may have come by a way that is no route: a return of goods, a partner."""
    route = ROUTES.get(channel) if isinstance(channel, str) else None
    return {} if route is None else {"route": route}


def _price(document: dict[str, Any]) -> dict[str, Any]:
    """Of who does not say what was paid, it is not known."""
    if document.get("amount") is None and document.get("currency") is None:
        return {"amount_minor": 0, "currency": NO_CURRENCY}
    amount, currency = _text(document, "amount"), _text(document, "currency")
    try:
        return {"amount_minor": to_minor(amount, currency), "currency": currency}
    except ValueError as error:
        raise BadLine(f"amount: {error}") from None


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise BadLine(f"{name}: {'is missing' if value is None else 'expected a string'}")
    return value

"""What does the API description say of a request body? The schema of every event type, from the models themselves."""

from typing import Any

from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.generate import event_model, inbound_schemas
from shared.http import COMPONENT

EXAMPLE = {
    "specversion": "1.0",
    "id": "order-4711",
    "source": "web-shop",
    "type": "tenure.purchase.v1",
    "subject": "customer-1",
    "time": "2026-01-31T09:30:00Z",
    "data": {"amount_minor": 1999, "currency": "EUR"},
}
MAX_EVENTS = 1000  # of one request


def _ref(name: str) -> dict[str, str]:
    return {"$ref": COMPONENT.format(model=name)}


_NAMES = {type_: event_model(type_).__name__ for type_ in INPUT_TYPES}
SCHEMAS: dict[str, Any] = {
    **inbound_schemas(COMPONENT),
    "Event": {
        "description": "A CloudEvent of one of the types that channels send.",
        "oneOf": [_ref(name) for name in _NAMES.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {type_: COMPONENT.format(model=name) for type_, name in _NAMES.items()},
        },
    },
    "EventBatch": {
        "description": f"Up to {MAX_EVENTS} events.",
        "type": "array",
        "items": _ref("Event"),
        "maxItems": MAX_EVENTS,
    },
}
ABOUT_BODY = (
    "An event or a batch. `application/json` is taken for either, and in the binary mode of CloudEvents for the data "
    "of one event, whose attributes stand in `ce-` headers; no schema can say so much of one media type."
)
EVENTS_BODY: dict[str, Any] = {
    "description": ABOUT_BODY,
    "required": True,
    "content": {
        "application/cloudevents+json": {"schema": _ref("Event"), "example": EXAMPLE},
        "application/cloudevents-batch+json": {"schema": _ref("EventBatch"), "example": [EXAMPLE]},
    },
}

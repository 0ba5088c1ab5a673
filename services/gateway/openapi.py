"""What does the API description say of a request body? The schema of every event type, from the models themselves."""

from typing import Any

from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.envelope import Envelope, Input

EXAMPLE = {
    "specversion": "1.0",
    "id": "order-4711",
    "source": "web-shop",
    "type": "tenure.purchase.v1",
    "subject": "customer-1",
    "time": "2026-01-31T09:30:00Z",
    "data": {"amount_minor": 1999, "currency": "EUR"},
}


def event_schema(data: type[Input]) -> dict[str, Any]:
    """One CloudEvent of this type, without references."""
    envelope = inlined(Envelope.model_json_schema())
    fields = {
        **envelope["properties"],
        "type": {"const": data.TYPE},
        "data": inlined(data.model_json_schema(by_alias=True)),
    }
    return {**envelope, "title": data.__name__, "properties": fields, "required": [*envelope["required"], "data"]}


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema with its `$defs` where they are referred to. None of our schemas refers to itself."""
    definitions = schema.get("$defs", {})

    def put_in(node: Any) -> Any:
        if isinstance(node, list):
            return [put_in(item) for item in node]
        if not isinstance(node, dict):
            return node
        target = definitions.get(str(node.get("$ref", "")).removeprefix("#/$defs/"), {})
        return {k: put_in(v) for k, v in {**target, **node}.items() if k not in ("$ref", "$defs")}

    result: dict[str, Any] = put_in(schema)
    return result


_EVENT = {"oneOf": [event_schema(data) for data in INPUT_TYPES.values()]}
_BATCH = {"type": "array", "items": _EVENT, "maxItems": 1000}
EVENTS_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/cloudevents+json": {"schema": _EVENT, "example": EXAMPLE},
        "application/cloudevents-batch+json": {"schema": _BATCH, "example": [EXAMPLE]},
        "application/json": {"schema": {"oneOf": [_EVENT, _BATCH]}},
    },
}

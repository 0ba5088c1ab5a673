"""What does an event of each type look like on the wire, for those who do not read Python?

Out: JSON Schema (2020-12) of the whole CloudEvent of a type, inbound event, fact, alert or tick, and one example of it.
`$id` is urn:tenure:schema:<type>, which is the event's `dataschema`. The same models always give the same documents.
"""

import inspect
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, create_model
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from shared.contracts.analytics import ALERT_TYPES, AlertEnvelope, RiskRow
from shared.contracts.catalogue import FACT_TYPES, INPUT_TYPES
from shared.contracts.envelope import SCHEMA_ROOT, Envelope, Fact, FactEnvelope, Input
from shared.contracts.measures import CATALOGUE, Measures
from shared.contracts.population import POPULATION_TYPES, PopulationEnvelope
from shared.contracts.protocol import TICK, Redrive, TickData
from shared.contracts.segments import SEGMENT_ALERT_TYPES, SegmentEnvelope
from shared.contracts.values import CustomerId, EventId, Model, UtcTime

EXAMPLES = Path(__file__).parent / "examples"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

INBOUND: dict[str, type[Input]] = {**INPUT_TYPES, Redrive.TYPE: Redrive}
OUTBOUND: dict[str, type[Fact]] = {  # what analytics says
    **ALERT_TYPES,
    **SEGMENT_ALERT_TYPES,
    RiskRow.TYPE: RiskRow,
    **POPULATION_TYPES,
}
TYPES: tuple[str, ...] = (*INBOUND, *FACT_TYPES, *OUTBOUND, TICK)


class TickEnvelope(Model):
    """The past of a partition is complete: nothing before `at` follows behind a tick. It belongs to no customer, so it
    has no subject, and its record no key. `at` is missing only in an inbox in wall time, where the broker's own record
    time is meant."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    time: UtcTime | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str | None = None
    data: TickData


def schema(type_: str) -> dict[str, Any]:
    """Raises KeyError for a type that nobody knows."""
    data, whole = _data_of(type_), event_model(type_)
    described = whole.model_json_schema(schema_generator=WithoutTitles)
    described |= {"title": type_, "description": inspect.getdoc(TickEnvelope if type_ == TICK else data)}
    return {"$schema": DIALECT, "$id": SCHEMA_ROOT + type_, **dict(sorted(described.items(), key=_order))}


def example(type_: str) -> dict[str, Any]:
    """With every field that the type has; a channel's may be sent as it stands. Raises KeyError as `schema`."""
    _data_of(type_)
    document: dict[str, Any] = json.loads((EXAMPLES / f"{type_}.json").read_text(encoding="utf-8"))
    return document


def inbound_schemas(ref: str) -> dict[str, Any]:
    """What a channel may send, under the names of the models: `PurchaseEvent`, `Purchase` and so on. `ref` says where
    they will stand, with `{model}` for the name."""
    models: list[tuple[type[BaseModel], Literal["validation"]]] = [(event_model(t), "validation") for t in INPUT_TYPES]
    _, described = models_json_schema(models, ref_template=ref, schema_generator=WithoutTitles)
    definitions: dict[str, Any] = described["$defs"]
    return definitions


def event_model(type_: str) -> type[BaseModel]:
    """The event as a whole, its envelope and what it says. Raises KeyError as `schema`."""
    data = _data_of(type_)
    own: dict[str, Any] = {"type": (Literal[type_], ...), "data": (data, ...)}
    if type_ == Measures.TYPE:
        own["subject"] = (Literal[CATALOGUE], ...)
    if type_ in INBOUND:
        return create_model(f"{data.__name__}Event", __base__=Envelope, __doc__=inspect.getdoc(data), **own)
    if type_ == TICK:
        return create_model("Tick", __base__=TickEnvelope, **own)
    if type_ in POPULATION_TYPES:
        return create_model(data.__name__, __base__=PopulationEnvelope, partitionkey=(EventId, ...), **own)
    if type_ in SEGMENT_ALERT_TYPES:
        return create_model(data.__name__, __base__=SegmentEnvelope, partitionkey=(str, ...), **own)
    envelope = FactEnvelope if type_ in FACT_TYPES else AlertEnvelope
    return create_model(data.__name__, __base__=envelope, partitionkey=(CustomerId, ...), **own)


def _data_of(type_: str) -> type[Model]:
    data: dict[str, type[Model]] = {**INBOUND, **FACT_TYPES, **OUTBOUND, TICK: TickData}
    return data[type_]


def _order(item: tuple[str, Any]) -> int:
    """What it is comes first, the definitions last."""
    return {"title": 0, "description": 1, "$defs": 3}.get(item[0], 2)


class WithoutTitles(GenerateJsonSchema):
    """A title that only repeats the name of its field says nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

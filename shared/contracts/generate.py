"""What does an event of each type look like on the wire, for those who do not read Python?

`python -m shared.contracts.generate` writes docs/contracts/<type>.json: JSON Schema (2020-12) of the whole CloudEvent,
one file per inbound event, fact and alert, `$id` urn:tenure:schema:<type>, which is the event's `dataschema`. The same
models always give the same bytes.
"""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, create_model
from pydantic.json_schema import GenerateJsonSchema

from shared.contracts.analytics import ALERT_TYPES, AlertEnvelope, RiskRow
from shared.contracts.catalogue import FACT_TYPES, INPUT_TYPES
from shared.contracts.envelope import SCHEMA_ROOT, Envelope, Fact, FactEnvelope, Input
from shared.contracts.protocol import Redrive

FOLDER = Path(__file__).parents[2] / "docs" / "contracts"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

INBOUND: dict[str, type[Input]] = {**INPUT_TYPES, Redrive.TYPE: Redrive}
OUTBOUND: dict[str, type[Fact]] = {**ALERT_TYPES, RiskRow.TYPE: RiskRow}  # what analytics says


def schemas() -> dict[str, str]:
    """File name -> text, for every type of the published language."""
    return {f"{model.TYPE}.json": _text(schema(model, envelope)) for model, envelope in _contracts()}


def schema(model: type[Input] | type[Fact], envelope: type[BaseModel]) -> dict[str, Any]:
    """Of one type, its envelope around it."""
    own: dict[str, Any] = {"type": (Literal[model.TYPE], ...), "data": (model, ...)}
    whole = create_model(model.__name__, __base__=envelope, **own)
    described = whole.model_json_schema(schema_generator=_WithoutTitles)
    described |= {"title": model.TYPE, "description": inspect.getdoc(model)}
    return {"$schema": DIALECT, "$id": SCHEMA_ROOT + model.TYPE, **dict(sorted(described.items(), key=_order))}


def main(folder: Path = FOLDER) -> None:
    """Writes all and removes what no type stands behind any more."""
    texts = schemas()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in folder.glob("tenure.*.json")} - texts.keys():
        (folder / stale).unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _contracts() -> Iterator[tuple[type[Input] | type[Fact], type[BaseModel]]]:
    yield from ((model, Envelope) for model in INBOUND.values())
    yield from ((model, FactEnvelope) for model in FACT_TYPES.values())
    yield from ((model, AlertEnvelope) for model in OUTBOUND.values())


def _order(item: tuple[str, Any]) -> int:
    """What it is comes first, the definitions last."""
    return {"title": 0, "description": 1, "$defs": 3}.get(item[0], 2)


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _WithoutTitles(GenerateJsonSchema):
    """A title that only repeats the name of its field says nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


if __name__ == "__main__":
    main()

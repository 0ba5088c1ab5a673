"""What is promised, in one document: every type, every topic, every HTTP route, without the words that explain them.

The bundle of each release is kept in docs/contracts/released/<release>.json, a line for each type, topic and route, and
never changed. Descriptions, titles and examples are left out: they may be written better at any time.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cli.language.channels import CHANNELS, is_taken
from cli.language.http_services import descriptions
from shared.contracts.generate import TYPES, schema

Bundle = dict[str, Any]

TEXTS = frozenset({"$schema", "$id", "title", "description", "summary", "example", "examples"})
NAMED = frozenset(  # below these stand names, not keywords
    {"properties", "$defs", "schemas", "paths", "responses", "headers", "content", "mapping", "securitySchemes"}
)


def bundle(release: str) -> Bundle:
    """Of the language as it is now."""
    topics = {
        c.topic.name: {"taken": c.taken, "keyed": c.topic.keyed, "kept": dict(c.topic.config), "types": list(c.types)}
        for c in CHANNELS
    }
    return {
        "release": release,
        "types": {type_: {"taken": is_taken(type_), "schema": without_texts(schema(type_))} for type_ in TYPES},
        "topics": topics,
        "http": {service: _promised(document) for service, document in descriptions().items()},
    }


def last_released(folder: Path) -> Bundle | None:
    """None before the first release."""
    bundles = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return max(bundles, key=lambda b: _version(b["release"]), default=None)


def text_of(bundle: Bundle) -> str:
    return "\n".join(_lines(bundle, 2)) + "\n"


def without_texts(node: Any, *, names: bool = False) -> Any:
    """`names`: the keys of this node are names that people gave, such as those of properties."""
    if isinstance(node, list):
        return [without_texts(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: without_texts(value, names=not names and key in NAMED)
        for key, value in node.items()
        if names or key not in TEXTS
    }


def _promised(document: Mapping[str, Any]) -> dict[str, Any]:
    said = without_texts(document)
    return {"paths": said["paths"], "components": said["components"]}


def _version(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def _lines(node: Any, depth: int, indent: str = "") -> Iterator[str]:
    """JSON with a line for each member, down to a depth; below `http` a line for each route and schema."""
    members = list(node.items())
    yield "{"
    for place, (name, value) in enumerate(members):
        comma = "," if place + 1 < len(members) else ""
        deeper = depth + 2 if name == "http" else depth - 1
        if isinstance(value, Mapping) and value and deeper > 0:
            first, *rest = _lines(value, deeper, indent + " ")
            yield f"{indent} {json.dumps(name)}: {first}"
            yield from rest[:-1]
            yield f"{rest[-1]}{comma}"
        else:
            said = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            yield f"{indent} {json.dumps(name, ensure_ascii=False)}: {said}{comma}"
    yield f"{indent}}}"

"""What does a place in a JSON Schema allow: which kinds of value, which alternatives, which constants, which limits?

References are followed and alternatives spelled out, so that two schemas can be laid side by side.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
KINDS = ("string", "number", "integer", "boolean", "object", "array", "null")
_STRICT = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
_TEXTS = ("description", "title", "default")


@dataclass(frozen=True, slots=True)
class Side:
    """A place in a schema, with the document that its `$ref`s point into."""

    root: Schema
    node: Schema | bool

    def at(self, node: Any) -> "Side":
        return Side(self.root, node)

    @property
    def said(self) -> Schema:
        """The node itself, references followed. `true` says nothing."""
        node: Any = self.node
        while isinstance(node, dict) and "$ref" in node:
            node = _pointed(self.root, node)
        return node if isinstance(node, dict) else {}

    @property
    def properties(self) -> Schema:
        found: Schema = self.said.get("properties", {})
        return found

    @property
    def required(self) -> set[str]:
        return set(self.said.get("required", ()))

    @property
    def rest(self) -> Any:
        """What properties without a name of their own may be; False: there may be none."""
        return self.said.get("additionalProperties", True)

    @property
    def constants(self) -> list[Any] | None:
        """The values that are allowed; None: it is not a list of values."""
        said = self.said
        if "const" in said:
            return [said["const"]]
        return list(said["enum"]) if "enum" in said else None

    @property
    def kinds(self) -> frozenset[str]:
        """As JSON Schema names them. What may be a number may be an integer."""
        said = self.said
        if "type" in said:
            return frozenset({said["type"]}) | ({"integer"} if said["type"] == "number" else set())
        values = self.constants
        return frozenset(KINDS) if values is None else frozenset(map(_kind_of, values))

    @property
    def says_nothing(self) -> bool:
        return self.node is True or not self.said.keys() - {*_TEXTS}

    def property(self, name: str) -> "Side | None":
        """What it may be; None where there may be no such property."""
        node = self.properties.get(name, self.rest)
        return None if node is False else self.at(node)

    def alternatives(self) -> list["Side"]:
        """One for each of anyOf, oneOf and the members of a list of types, with what is said beside them."""
        said = self.said
        for word in ("anyOf", "oneOf"):
            if word in said:
                beside = {name: value for name, value in said.items() if name not in (word, "default")}
                parts = [self.at(part).said for part in said[word]]
                return [one for part in parts for one in self.at({**beside, **part}).alternatives()]
        if isinstance(said.get("type"), list):
            return [self.at({**said, "type": kind}) for kind in said["type"]]
        return [self.at(said)]

    def spelled(self, word: str) -> Any:
        """The value of a keyword with its references put in and its texts left out: equal if it means the same."""
        return _spelled(self.root, self.said[word], ())


def holds(small: Side, big: Side, word: str) -> bool:
    """Does all that `small` allows keep to the limit that `big` sets by this keyword? What cannot be told is no."""
    limit, values = big.said[word], small.constants
    if values is not None:
        return all(_keeps(value, word, limit) for value in values)
    if word in LOWER:
        return (limit == 0 and word.startswith("min") and word != "minimum") or any(
            at >= limit for at in _bounds(small.said, word)
        )
    if word in UPPER:
        return any(at <= limit for at in _bounds(small.said, word))
    return word in small.said and small.spelled(word) == big.spelled(word)


def _bounds(said: Schema, word: str) -> list[Any]:
    return [said[name] for name in (word, _STRICT.get(word, word)) if name in said]


def _keeps(value: Any, word: str, limit: Any) -> bool:
    number, text = isinstance(value, int | float), isinstance(value, str)
    match word:
        case "minimum":
            return not number or bool(value >= limit)
        case "maximum":
            return not number or bool(value <= limit)
        case "minLength":
            return not text or len(value) >= limit
        case "maxLength":
            return not text or len(value) <= limit
        case "pattern":
            return not text or re.search(limit, value) is not None
    return False


def _kind_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _pointed(root: Schema, node: Schema) -> Schema:
    """What a reference such as `#/$defs/Purchase` means, with what is said beside it. Raises KeyError where that is
    not in the document."""
    target: Any = root
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step.replace("~1", "/").replace("~0", "~")]
    return {**target, **{name: value for name, value in node.items() if name != "$ref"}}


def _spelled(root: Schema, node: Any, way: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_spelled(root, item, way) for item in node]
    if not isinstance(node, dict):
        return node
    ref = node.get("$ref")
    if isinstance(ref, str) and ref not in way:
        return _spelled(root, _pointed(root, node), (*way, ref))
    return {name: _spelled(root, item, way) for name, item in node.items() if name not in _TEXTS}

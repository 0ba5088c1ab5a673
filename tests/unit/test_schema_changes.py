"""What counts as a broken promise: examples of every kind in either direction, and laws against a validator."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cli.language.schema_changes import schema_breaks
from shared.contracts.generate import TYPES, schema

Schema = dict[str, Any]
STRING, INTEGER, NULL = {"type": "string"}, {"type": "integer"}, {"type": "null"}
TAKEN, PUBLISHED = True, False
laws = settings(max_examples=300, deadline=None, derandomize=True)


def an_object(required: tuple[str, ...] = (), **properties: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def broken(old: Schema, new: Schema, taken: bool) -> list[str]:
    return [f"{b.place} {b.what}".strip() for b in schema_breaks(old, new, taken=taken)]


# (old, new, what is broken where we take it, what is broken where we publish it)
KINDS: dict[str, tuple[Schema, Schema, list[str], list[str]]] = {
    "a property removed": (an_object(a=STRING, b=STRING), an_object(a=STRING), ["b is gone"], ["b is gone"]),
    "a property renamed": (
        an_object(("a",), a=STRING), an_object(("b",), b=STRING),
        ["a is gone", "b is required now"], ["a is gone"],
    ),
    "an optional property added": (an_object(a=STRING), an_object(a=STRING, b=STRING), [], []),
    "a required property added": (
        an_object(a=STRING), an_object(("b",), a=STRING, b=STRING), ["b is required now"], [],
    ),
    "a property required": (an_object(a=STRING), an_object(("a",), a=STRING), ["a is required now"], []),
    "a property made optional": (
        an_object(("a",), a=STRING), an_object(a=STRING), [], ["a is not always there any more"],
    ),
    "other names refused": (
        an_object(a=STRING), an_object(a=STRING) | {"additionalProperties": False},
        ["a property of another name is refused now"], [],
    ),
    "another kind": (
        an_object(a=STRING), an_object(a=INTEGER), ["a no string is taken now"], ["a may be of kind integer now"],
    ),
    "null refused": (
        {"anyOf": [STRING, NULL]}, STRING, ["no null is taken now"], [],
    ),
    "null allowed": (STRING, {"type": ["string", "null"]}, [], ["may be of kind null now"]),
    "a whole number made any number": (INTEGER, {"type": "number"}, [], ["may be of kind number now"]),
    "a value added": ({"enum": ["a"]}, {"enum": ["a", "b"]}, [], ["may be 'b' now"]),
    "a value removed": ({"enum": ["a", "b"]}, {"enum": ["a"]}, ["'b' is refused now"], []),
    "a list of values opened": (
        {"type": "string", "enum": ["a", "b"]}, STRING | {"minLength": 1, "maxLength": 9},
        [], ["may have any value now"],
    ),
    "a lower limit raised": (
        INTEGER | {"minimum": 0}, INTEGER | {"minimum": 1}, ["`minimum` was 0 and is 1"], [],
    ),
    "a limit that no longer counts itself": (
        INTEGER | {"minimum": 0}, INTEGER | {"exclusiveMinimum": 0},
        ["`exclusiveMinimum` was not limited and is 0"], [],
    ),
    "an upper limit lowered": (
        STRING | {"maxLength": 9}, STRING | {"maxLength": 8}, ["`maxLength` was 9 and is 8"], [],
    ),
    "an upper limit lifted": (
        STRING | {"maxLength": 9}, STRING, [], ["`maxLength` was 9 and is not limited"],
    ),
    "another pattern": (
        STRING | {"pattern": "^a"}, STRING | {"pattern": "^b"},
        ["`pattern` was ^a and is ^b"], ["`pattern` was ^a and is ^b"],
    ),
    "a form asked for": (STRING, STRING | {"format": "date-time"}, ["`format` was not limited and is date-time"], []),
    "longer lists": (
        {"type": "array", "items": STRING, "maxItems": 3}, {"type": "array", "items": STRING, "maxItems": 4},
        [], ["`maxItems` was 3 and is 4"],
    ),
    "other items": (
        {"type": "array", "items": an_object(a=STRING)}, {"type": "array", "items": an_object(a=NULL)},
        ["[].a no string is taken now"], ["[].a may be of kind null now"],
    ),
    "another default": (
        an_object(a=STRING | {"default": "x"}), an_object(a=STRING | {"default": "y"}),
        ["a the default was 'x' and is 'y'"], ["a the default was 'x' and is 'y'"],
    ),
    "other words": (STRING | {"description": "x"}, STRING | {"description": "y", "title": "z"}, [], []),
    "an alternative added": (
        {"oneOf": [an_object(t={"const": "a"})]}, {"oneOf": [an_object(t={"const": "a"}), an_object(t={"const": "b"})]},
        [], ["t may be 'b' now"],
    ),
    "a keyword that is not known here": (STRING, STRING | {"contentEncoding": "base64"},
                                         ["`contentEncoding` was not limited and is base64"], []),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_change_breaks_what_it_should(kind: str) -> None:
    old, new, taken, published = KINDS[kind]
    assert (taken, published) == (broken(old, new, TAKEN), broken(old, new, PUBLISHED))


def test_a_reference_is_what_it_refers_to() -> None:
    old = {"$ref": "#/$defs/A", "$defs": {"A": an_object(a={"$ref": "#/$defs/B"}), "B": INTEGER | {"minimum": 0}}}
    new = an_object(a=INTEGER | {"minimum": 2})
    assert ["a `minimum` was 0 and is 2"] == broken(old, new, TAKEN)


def test_a_schema_that_holds_itself_is_compared_to_its_end() -> None:
    def tree(leaf: Schema) -> Schema:
        children = {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
        return {"$ref": "#/$defs/Tree", "$defs": {"Tree": an_object(leaf=leaf, children=children)}}

    assert [] == broken(tree(STRING), tree(STRING), TAKEN)
    assert "leaf no string is taken now" in broken(tree(STRING), tree(INTEGER), TAKEN)


@pytest.mark.parametrize("type_", TYPES)
def test_no_type_breaks_its_own_promises(type_: str) -> None:
    described = schema(type_)
    assert [] == broken(described, copy.deepcopy(described), TAKEN) == broken(described, described, PUBLISHED)


VALUES = st.sampled_from([None, True, 0, 1, 2, 2.5, "", "a", "bb", "ccc"])
SCALARS: st.SearchStrategy[Schema] = st.one_of(
    st.sampled_from([STRING, INTEGER, NULL, {"type": "number"}, {"type": "boolean"}, {}]),
    st.builds(lambda low, high: INTEGER | {"minimum": low, "maximum": high}, st.integers(0, 2), st.integers(0, 3)),
    st.builds(lambda low, high: STRING | {"minLength": low, "maxLength": high}, st.integers(0, 2), st.integers(0, 3)),
    st.builds(
        lambda values: {"enum": values}, st.lists(st.sampled_from(["a", "bb", 1, None]), min_size=1, unique=True)
    ),
)


def _composed(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    names = st.sampled_from("ab")
    return st.one_of(
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda properties, required, closed: {
                "type": "object",
                "properties": properties,
                "required": sorted(required & properties.keys()),
                **({"additionalProperties": False} if closed else {}),
            },
            st.dictionaries(names, inner, max_size=2),
            st.sets(names),
            st.booleans(),
        ),
    )


SCHEMAS = st.recursive(SCALARS, _composed, max_leaves=5)
DOCUMENTS = st.recursive(
    VALUES, lambda v: st.lists(v, max_size=2) | st.dictionaries(st.sampled_from("ab"), v, max_size=2), max_leaves=5
)


@laws
@given(SCHEMAS, st.booleans())
def test_a_schema_keeps_its_own_promises(one: Schema, taken: bool) -> None:
    assert [] == broken(one, copy.deepcopy(one), taken)


@laws
@given(st.dictionaries(st.sampled_from("ab"), SCHEMAS), SCHEMAS, st.booleans(), st.booleans())
def test_an_optional_property_more_never_breaks(
    properties: dict[str, Schema], more: Schema, closed: bool, taken: bool
) -> None:
    rest = {"additionalProperties": False} if closed else {}
    old = {"type": "object", "properties": properties, **rest}
    new = {"type": "object", "properties": {**properties, "more": more}, **rest}
    assert [] == broken(old, new, taken)


@st.composite
def changed(draw: st.DrawFn, one: Schema) -> Schema:
    """The same but for one place, which may be the whole."""
    words = [w for w in one if w not in ("type", "required") or (w == "required" and one["properties"])]
    word = draw(st.sampled_from([*words, "whole"]))
    match word:
        case "minimum" | "maximum" | "minLength" | "maxLength":
            other: Any = draw(st.integers(0, 3))
        case "enum":
            other = draw(st.lists(st.sampled_from(["a", "bb", 1, None]), min_size=1, unique=True))
        case "required":
            other = sorted(draw(st.sets(st.sampled_from(sorted(one["properties"])))))
        case "additionalProperties":
            other = not one[word]
        case "items":
            other = draw(changed(one[word]))
        case "anyOf" | "properties" if one[word]:
            at = draw(st.sampled_from(range(len(one[word])) if word == "anyOf" else sorted(one[word])))
            other = copy.copy(one[word])
            other[at] = draw(changed(other[at]))
        case _:
            return draw(SCALARS)
    return {**one, word: other}


PAIRS = SCHEMAS.flatmap(lambda one: st.tuples(st.just(one), changed(one)))


@laws
@given(PAIRS, st.lists(DOCUMENTS, min_size=5, max_size=10))
def test_a_document_that_is_refused_now_is_never_a_surprise(pair: tuple[Schema, Schema], documents: list[Any]) -> None:
    old, new = pair
    before, after = Draft202012Validator(old), Draft202012Validator(new)
    refused_now = any(before.is_valid(document) and not after.is_valid(document) for document in documents)
    named_now = not _names(new) <= _names(old)  # a property more may mean something now that it did not before
    assert not refused_now or named_now or broken(old, new, TAKEN)


def _names(node: Any) -> set[str]:
    """Of all properties that are named anywhere."""
    if isinstance(node, list):
        return {name for item in node for name in _names(item)}
    if not isinstance(node, dict):
        return set()
    inside = {name for value in node.values() for name in _names(value)}
    return inside | set(node.get("properties", {}))

"""Does a changed JSON Schema still keep what it promised?

A schema of what we *take* may only widen: whatever was right to send yesterday is right tomorrow. One of what we
*publish* may only narrow: a reader written yesterday understands everything of tomorrow. Both are one question, whether
all that one schema allows is allowed by another, asked in the one or the other direction. Beside that, in either
direction, a property that is gone is a break, though others may ignore it; a new optional one never is.

Where containment cannot be decided (two patterns, two formats, a keyword nobody here knows), a difference is a break.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cli.language.schema_reading import Schema, Side, holds

GONE = "is gone"
SAY_NOTHING = {"$defs", "$id", "$schema", "$comment", "title", "description", "default", "example", "examples"}
ASIDE = {"deprecated", "readOnly", "writeOnly", "discriminator"}
LOOKED_AT = {
    "$ref",
    "anyOf",
    "oneOf",
    "type",
    "const",
    "enum",
    "properties",
    "required",
    "additionalProperties",
    "items",
}


@dataclass(frozen=True, slots=True)
class Break:
    """A promise that is not kept: where, and what became of it. `other`: of values of one kind altogether."""

    place: str
    what: str
    other: bool = False


def schema_breaks(old: Schema, new: Schema, *, taken: bool) -> list[Break]:
    """Each once, by place. `old` and `new` are whole documents; see `breaks_within` for parts of one."""
    return breaks_within(Side(old, old), Side(new, new), taken=taken)


def breaks_within(old: Side, new: Side, *, taken: bool, place: str = "") -> list[Break]:
    small, big = (old, new) if taken else (new, old)
    gone = set(_gone(old, new, place, ()))
    missing = {b.place for b in gone if b.what == GONE}
    outside = {b for b in _Comparison(taken).outside(small, big, place, ()) if b.place not in missing}
    return sorted(gone | outside, key=lambda b: (b.place, b.what))


@dataclass(frozen=True)
class _Comparison:
    """All findings are said of the new schema: what it refuses now, or may say now."""

    taken: bool

    def outside(self, small: Side, big: Side, place: str, way: tuple[Any, ...]) -> Iterator[Break]:
        """What `small` allows and `big` does not. `way`: the pairs above, where schemas that hold themselves end."""
        pair = (id(small.node), id(big.node))
        if pair in way or big.says_nothing:
            return
        allowed = big.alternatives()
        for branch in small.alternatives():
            meant = [other for other in allowed if _marks(other) == _marks(branch)] or allowed
            attempts = [[*self._one(branch, other, place, (*way, pair))] for other in meant]
            yield from min(attempts, key=lambda found: (any(b.other and b.place == place for b in found), len(found)))

    def _one(self, small: Side, big: Side, place: str, way: tuple[Any, ...]) -> Iterator[Break]:
        """Of schemas without alternatives."""
        if not small.kinds <= big.kinds:
            kind = " or ".join(sorted(small.kinds - big.kinds))
            yield Break(place, self._say(f"no {kind} is taken now", f"may be of kind {kind} now"), other=True)
            return
        yield from self._values(small, big, place)
        yield from self._limits(small, big, place)
        if "object" in small.kinds:
            yield from self._object(small, big, place, way)
        if "array" in small.kinds and "items" in big.said:
            items = small.at(small.said.get("items", True)), big.at(big.said["items"])
            yield from self.outside(*items, f"{place}[]", way)

    def _values(self, small: Side, big: Side, place: str) -> Iterator[Break]:
        few, many = small.constants, big.constants
        if many is None:
            return
        if few is None:
            yield Break(place, self._say("only certain values are taken now", "may have any value now"))
            return
        for value in (v for v in few if v not in many):
            yield Break(place, self._say(f"{value!r} is refused now", f"may be {value!r} now"))

    def _limits(self, small: Side, big: Side, place: str) -> Iterator[Break]:
        for word in sorted(big.said.keys() - SAY_NOTHING - ASIDE - LOOKED_AT):
            if not holds(small, big, word):
                ours, theirs = small.said.get(word, "not limited"), big.said[word]
                old, new = (ours, theirs) if self.taken else (theirs, ours)
                yield Break(place, f"`{word}` was {old} and is {new}")

    def _object(self, small: Side, big: Side, place: str, way: tuple[Any, ...]) -> Iterator[Break]:
        for name in sorted(big.required - small.required):
            yield Break(_under(place, name), self._say("is required now", "is not always there any more"))
        for name, node in small.properties.items():
            other = big.property(name)
            if other is not None:
                yield from self.outside(small.at(node), other, _under(place, name), way)
            elif self.taken:
                yield Break(_under(place, name), "is refused now")
        yield from self._rest(small, big, place, way)

    def _rest(self, small: Side, big: Side, place: str, way: tuple[Any, ...]) -> Iterator[Break]:
        """That a published object may have further properties is what readers are told to expect."""
        if small.rest is False:
            return
        if big.rest is False and self.taken:
            yield Break(place, "a property of another name is refused now")
        elif isinstance(big.rest, dict) and (self.taken or isinstance(small.rest, dict)):
            yield from self.outside(small.at(small.rest), big.at(big.rest), _under(place, "*"), way)

    def _say(self, taken: str, published: str) -> str:
        return taken if self.taken else published


def _gone(old: Side, new: Side, place: str, way: tuple[Any, ...]) -> Iterator[Break]:
    """Properties that the new one does not name any more, and defaults that changed: both change what is understood."""
    if id(old.node) in way:
        return
    way = (*way, id(old.node))
    before, after = old.said, new.said
    if "default" in before and "default" in after and before["default"] != after["default"]:
        yield Break(place, f"the default was {before['default']!r} and is {after['default']!r}")
    for one in old.alternatives():
        other = _alike(one, new.alternatives())
        if other is not None:  # that it is missing altogether is said to those who send it
            yield from _gone_inside(one, other, place, way)


def _gone_inside(old: Side, new: Side, place: str, way: tuple[Any, ...]) -> Iterator[Break]:
    for name, node in old.properties.items():
        if name not in new.properties:
            yield Break(_under(place, name), GONE)
        else:
            yield from _gone(old.at(node), new.at(new.properties[name]), _under(place, name), way)
    if "items" in old.said and "items" in new.said:
        yield from _gone(old.at(old.said["items"]), new.at(new.said["items"]), f"{place}[]", way)


def _alike(branch: Side, others: list[Side]) -> Side | None:
    """The one that is meant for the same: of the same kind, with the same marks, with most properties in common."""
    same = [other for other in others if other.kinds == branch.kinds]
    return max(same, key=lambda other: (_marks(other) == _marks(branch), _shared(branch, other)), default=None)


def _marks(side: Side) -> dict[str, Any]:
    """Properties with one value alone, which tell alternatives apart: `type` of an event."""
    return {name: node["const"] for name, node in side.properties.items() if isinstance(node, dict) and "const" in node}


def _shared(one: Side, other: Side) -> int:
    return len(one.properties.keys() & other.properties.keys())


def _under(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name

"""How are a part and a result written and read?

In: what the fold has to say. Out: bytes as `shared.contracts.population` gives them for its models, thousands of rows
at a fraction of the price, and the same read back. A test holds the two together; nothing is checked in writing but
what would be written and never be readable.
"""

import math
from collections.abc import Iterator
from datetime import datetime

import msgspec

from services.analytics.calendar import STREAMS
from services.analytics.pace import Paces
from services.analytics.population.model import Model, Regression
from services.analytics.population.numbers import Numbers
from services.analytics.population.part import Candidate, Part, Result
from services.analytics.population.segments import Segments
from services.analytics.rules import Population
from services.analytics.wire import Document
from shared.contracts.envelope import SCHEMA_ROOT, Problem, UnknownType, Unreadable
from shared.contracts.population import (
    SUBJECT,
    AttritionModelRefitted,
    AttritionPopulationPart,
    model_id,
    part_id,
)
from shared.contracts.values import format_time, from_micros, to_micros


class PartData(msgspec.Struct, frozen=True):
    rules: str
    digest: str
    week: datetime
    partition: int
    is_first: bool
    customers: int
    one_in: int
    rows: list[Numbers] = []
    segments: Segments = Segments()
    candidates: list[Candidate] = []


class ModelData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    week: datetime
    population: Population
    hazard: Regression | None = None
    stack: Regression | None = None
    paces: Paces
    season: tuple[float, ...] | None = None
    admitted: tuple[str, ...] = msgspec.field(default_factory=lambda: ())  # a plain default would not be written


class ResultData(msgspec.Struct, frozen=True, omit_defaults=True):
    rules: str
    digest: str
    week: datetime
    customers: int
    one_in: int
    model: ModelData | None = None


class _Envelope(msgspec.Struct, frozen=True):
    """What is read of it; the data in its turn, when the type is known."""

    type: str
    data: msgspec.Raw


_encode = msgspec.json.Encoder().encode
_envelopes = msgspec.json.Decoder(_Envelope)
_parts = msgspec.json.Decoder(PartData)
_results = msgspec.json.Decoder(ResultData)


def key_of(said: Part | Result) -> bytes:
    """The id of the message, which is its key."""
    week = format_time(from_micros(said.week))
    if isinstance(said, Part):
        return part_id(said.rules, week, said.partition).encode()
    return model_id(said.rules, week).encode()


def part_bytes(part: Part) -> bytes:
    """The message as published."""
    data = PartData(
        part.rules, part.digest, from_micros(part.week), part.partition, part.is_first, part.customers, part.one_in,
        part.rows, part.segments, part.candidates,
    )  # fmt: skip
    return _encode(_document(key_of(part).decode(), AttritionPopulationPart.TYPE, data))


def result_bytes(result: Result) -> bytes:
    """The message as published. Raises ValueError for a model with a figure that is not finite."""
    if not all(map(math.isfinite, _figures(result.model))):
        raise ValueError(f"the model of {format_time(from_micros(result.week))} has a figure that is not finite")
    counts = result.customers, result.one_in
    data = ResultData(result.rules, result.digest, from_micros(result.week), *counts, _model(result.model))
    return _encode(_document(key_of(result).decode(), AttritionModelRefitted.TYPE, data))


def read(value: bytes) -> Part | Result:
    """Raises Unreadable, or UnknownType for a type of a newer release."""
    try:
        envelope = _envelopes.decode(value)
        if envelope.type == AttritionPopulationPart.TYPE:
            return _part_of(_parts.decode(envelope.data))
        if envelope.type == AttritionModelRefitted.TYPE:
            return _result_of(_results.decode(envelope.data))
    except msgspec.MsgspecError as error:
        raise Unreadable("invalid-envelope", [Problem("", str(error))]) from None
    raise UnknownType("unknown-type", [Problem("type", f"{envelope.type!r} is not known to this release")])


def _document(id_: str, type_: str, data: PartData | ResultData) -> Document:
    return Document(
        id=id_,
        type=type_,
        subject=SUBJECT,
        time=data.week,
        dataschema=SCHEMA_ROOT + type_,
        partitionkey=id_,
        data=data,
    )


def _model(model: Model | None) -> ModelData | None:
    if model is None:
        return None
    return ModelData(
        week=from_micros(model.week), population=model.population, hazard=model.hazard, stack=model.stack,
        paces=model.paces, season=model.season,
        admitted=tuple(sorted(model.admitted)),
    )  # fmt: skip


def _figures(model: Model | None) -> Iterator[float]:
    if model is not None:
        yield from msgspec.to_builtins(model.population).values()
        for regression in filter(None, (model.hazard, model.stack)):
            yield from (*regression.weights, *regression.low, *regression.high)
        for stream in STREAMS:
            yield from msgspec.to_builtins(model.paces.of(stream)).values()
        yield from msgspec.to_builtins(model.paces.tickets).values()
        yield from model.season or ()


def _part_of(said: PartData) -> Part:
    return Part(
        said.rules, said.digest, to_micros(said.week), said.partition, said.is_first, said.customers, said.one_in,
        said.rows, said.segments, said.candidates,
    )  # fmt: skip


def _result_of(said: ResultData) -> Result:
    counts = said.customers, said.one_in
    return Result(said.rules, said.digest, to_micros(said.week), *counts, _model_of(said.model))


def _model_of(said: ModelData | None) -> Model | None:
    if said is None:
        return None
    week = to_micros(said.week)
    admitted = frozenset(said.admitted)
    return Model(week, said.population, said.hazard, said.stack, said.paces, said.season, admitted)

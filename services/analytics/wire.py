"""How are an alert and a row of risk written?

In: what the judgement has to say. Out: bytes, the very ones that `shared.contracts.analytics` gives for its models, at
a tenth of their price: every third record of the log makes a row. A test holds the two together; nothing is checked
here, so what goes in must be true already.
"""

import json
from collections.abc import Iterator
from datetime import datetime

import msgspec

from shared.contracts.analytics import SOURCE, AttritionAlert, RiskRow, Sign, alert_id
from shared.contracts.envelope import SCHEMA_ROOT

_encode = msgspec.json.Encoder().encode
_encode_as_python = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Money(msgspec.Struct, frozen=True, gc=False):
    amount_minor: int
    currency: str


class SignEvidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    sign: Sign
    since: datetime
    observed: float
    expected: float
    currency: str | None = None
    window_days: float
    strength: float
    probability: float | None = None
    told_at: datetime | None = None
    evidence: tuple[str, ...]
    last_before: str | None = None


class Contribution(msgspec.Struct, frozen=True):
    reason: str
    weight: float


class Recommendation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    words: str
    success: float
    cost: Money
    benefit: Money
    net: Money
    is_worth_it: bool
    break_even_risk: float | None = None
    break_even_success: float | None = None
    catalogue: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`until` and `reason`: of a snooze."""

    alert: str
    risk: float | None = None
    risk_before: float | None = None
    contributions: tuple[Contribution, ...]
    signs: tuple[SignEvidence, ...]
    value_at_risk: tuple[Money, ...]
    recommended: Recommendation | None = None
    probable_cause: str | None = None
    segment: str | None = None
    rules: str
    model: str | None = None
    as_of: datetime
    until: datetime | None = None
    reason: str | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    risk: float | None = None
    value_at_risk: tuple[Money, ...]
    alert: str | None = None
    rules: str
    as_of: datetime


class AlertOut(msgspec.Struct, frozen=True, gc=False):
    """A message for `attrition.alerts`; the key is the customer."""

    customer: str
    value: bytes


class RiskOut(msgspec.Struct, frozen=True, gc=False):
    """A row for `attrition.risk`; the key is the customer."""

    customer: str
    value: bytes


Output = AlertOut | RiskOut


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What analytics publishes, as a CloudEvent; attributes in the order in which they are written."""

    specversion: str = "1.0"
    id: str
    source: str = SOURCE
    type: str
    subject: str
    time: datetime
    datacontenttype: str = "application/json"
    dataschema: str
    partitionkey: str
    sequence: str | msgspec.UnsetType = msgspec.UNSET
    data: msgspec.Struct


def alert_bytes(customer: str, sequence: int, model: type[AttritionAlert], message: Message) -> bytes:
    """The message as published, of the kind that the contract's `model` is."""
    document = _document(alert_id(message.rules, customer, sequence), model.TYPE, customer, sequence, message)
    return _written(document, plain=all(map(_is_plain, _numbers(message))))


def risk_bytes(customer: str, sequence: int, row: Row) -> bytes:
    """The row as published."""
    document = _document(f"analytics/{row.rules}/{customer}/risk/{sequence}", RiskRow.TYPE, customer, sequence, row)
    return _written(document, plain=_is_plain(row.risk))


def _is_plain(number: float | None) -> bool:
    """Whether Python writes no exponent."""
    return not number or 1e-4 <= number < 1e16


def _written(document: Document, *, plain: bool) -> bytes:
    """The contract has Python's digits; in numbers that are very small or very large, msgspec's differ."""
    return _encode(document) if plain else _encode_as_python(msgspec.to_builtins(document)).encode()


def _numbers(message: Message) -> Iterator[float | None]:
    yield from (message.risk, message.risk_before)
    for contribution in message.contributions:
        yield contribution.weight
    for sign in message.signs:
        yield from (sign.observed, sign.expected, sign.window_days, sign.strength, sign.probability)
    if (said := message.recommended) is not None:
        yield from (said.success, said.break_even_risk, said.break_even_success)


def _document(id_: str, type_: str, customer: str, sequence: int, data: Message | Row) -> Document:
    return Document(
        id=id_,
        type=type_,
        subject=customer,
        time=data.as_of,
        dataschema=SCHEMA_ROOT + type_,
        partitionkey=customer,
        sequence=f"{sequence:010}",
        data=data,
    )

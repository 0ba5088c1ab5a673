"""What analytics writes on its own, for speed, is to the byte what the contract writes."""

from datetime import UTC
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.analytics import wire
from shared.contracts import analytics, values
from shared.contracts.analytics import MAX_EVIDENCE, AttritionAlert, AttritionAlertSnoozed, RiskRow, Sign
from shared.contracts.envelope import compact_json
from shared.contracts.generate import example

MODELS = tuple(analytics.ALERT_TYPES.values())
DIGITS = (0.0, 1e-6, 0.000012, 0.0001, 0.1, 1.0, 90.0, 123456.789012, 9999999999999998.0, 1e16, 1.5e17)
"""Around where Python begins to write exponents."""

texts = st.text(max_size=12)
customers = st.one_of(texts, st.sampled_from(('"', "\\", "\x7f\u2028", "ä/ü")))
figures = st.one_of(st.sampled_from(DIGITS), st.floats(0, 1e18))
risks = st.one_of(st.none(), st.sampled_from((0.0, 1e-6, 0.000099, 0.0001, 0.813442, 1.0)), st.floats(0, 1))
times = st.datetimes(timezones=st.just(UTC))
currencies = st.sampled_from(("EUR", "JPY"))
amounts = st.lists(st.builds(wire.Money, st.integers(0, 2**53), currencies), max_size=2).map(tuple)
sequences = st.integers(1, 10**12)
rules = st.sampled_from(("r1", "2026.11-b"))
signs = st.builds(
    wire.SignEvidence,
    sign=st.sampled_from(Sign),
    since=times,
    observed=figures,
    expected=figures,
    currency=st.none() | currencies,
    window_days=figures,
    strength=figures,
    evidence=st.lists(texts, max_size=MAX_EVIDENCE).map(tuple),
    last_before=st.none() | texts,
)
said: dict[str, st.SearchStrategy[Any]] = {
    "alert": texts,
    "risk": risks,
    "risk_before": risks,
    "contributions": st.lists(st.builds(wire.Contribution, texts, figures), max_size=3).map(tuple),
    "signs": st.lists(signs, max_size=2).map(tuple),
    "value_at_risk": amounts,
    "probable_cause": st.none() | st.sampled_from([cause.value for cause in values.Defector]),
    "segment": st.none() | st.text("abcäß ", min_size=1, max_size=12).map(lambda text: f"x{text}x"),
    "rules": rules,
    "as_of": times,
}
messages = st.builds(wire.Message, **said)
snoozes = st.builds(wire.Message, **said, until=times, reason=st.none() | texts)
rows = st.builds(wire.Row, risk=risks, value_at_risk=amounts, alert=st.none() | texts, rules=rules, as_of=times)


def by_contract(model: type[BaseModel], said: msgspec.Struct) -> Any:
    return model.model_validate(msgspec.to_builtins(said))


@given(customers, sequences, st.sampled_from([m for m in MODELS if m is not AttritionAlertSnoozed]), messages)
def test_a_message_is_written_as_by_the_contract(
    customer: str, sequence: int, model: type[AttritionAlert], message: wire.Message
) -> None:
    expected = analytics.alert_bytes(customer, sequence, by_contract(model, message))
    assert expected == wire.alert_bytes(customer, sequence, model, message)


@given(customers, sequences, snoozes)
def test_a_snooze_is_written_as_by_the_contract(customer: str, sequence: int, message: wire.Message) -> None:
    expected = analytics.alert_bytes(customer, sequence, by_contract(AttritionAlertSnoozed, message))
    assert expected == wire.alert_bytes(customer, sequence, AttritionAlertSnoozed, message)


@given(customers, sequences, rows)
def test_a_row_of_risk_is_written_as_by_the_contract(customer: str, sequence: int, row: wire.Row) -> None:
    assert analytics.risk_bytes(customer, sequence, by_contract(RiskRow, row)) == wire.risk_bytes(
        customer, sequence, row
    )


@pytest.mark.parametrize("type_", analytics.ALERT_TYPES)
def test_a_committed_example_of_an_alert_is_written_the_same(type_: str) -> None:
    document = example(type_)
    message = msgspec.convert(document["data"], wire.Message)
    raw = wire.alert_bytes(document["subject"], int(document["sequence"]), analytics.ALERT_TYPES[type_], message)
    assert compact_json(document) == raw


def test_the_committed_example_of_a_row_is_written_the_same() -> None:
    document = example(RiskRow.TYPE)
    row = msgspec.convert(document["data"], wire.Row)
    assert compact_json(document) == wire.risk_bytes(document["subject"], int(document["sequence"]), row)


@pytest.mark.parametrize(
    ("own", "model"),
    [
        (wire.Message, AttritionAlertSnoozed),
        (wire.Row, RiskRow),
        (wire.SignEvidence, analytics.SignEvidence),
        (wire.Contribution, analytics.Contribution),
        (wire.Money, values.Money),
    ],
)
def test_no_field_of_the_contract_is_missing_and_none_stands_elsewhere(
    own: type[msgspec.Struct], model: type[BaseModel]
) -> None:
    assert list(model.model_fields) == [field.name for field in msgspec.structs.fields(own)]

"""What analytics writes on its own, for speed, is to the byte what the contract writes."""

import json
from dataclasses import fields
from datetime import UTC
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.analytics import wire
from services.analytics.changes import NAMES
from services.analytics.pace import Paces, Prior, Tickets
from services.analytics.population import wire as population_wire
from services.analytics.population.model import Model, Regression
from services.analytics.population.numbers import Counts, Numbers
from services.analytics.population.part import Candidate, Part, Result
from services.analytics.population.segments import SegmentRow, Segments
from services.analytics.rules import Population, Rules
from services.analytics.state import WEEK
from shared.contracts import analytics, population, values
from shared.contracts.analytics import MAX_EVIDENCE, AttritionAlert, AttritionAlertSnoozed, RiskRow, Sign
from shared.contracts.envelope import UnknownType, Unreadable, compact_json
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
monies = st.builds(wire.Money, st.integers(-(2**53), 2**53), currencies)
amounts = st.lists(monies, max_size=2).map(tuple)
sequences = st.integers(1, 10**12)
rules = st.sampled_from(("r1", "2026.11-b"))
digests = st.just(Rules().digest)
signs = st.builds(
    wire.SignEvidence,
    sign=st.sampled_from(Sign),
    since=times,
    observed=figures,
    expected=figures,
    currency=st.none() | currencies,
    window_days=figures,
    strength=figures,
    probability=risks,
    told_at=st.none() | times,
    evidence=st.lists(texts, max_size=MAX_EVIDENCE).map(tuple),
    last_before=st.none() | texts,
)
measures = st.builds(
    wire.Recommendation,
    name=texts,
    words=texts,
    success=risks.filter(lambda share: share is not None),
    cost=monies,
    benefit=monies,
    net=monies,
    is_worth_it=st.booleans(),
    break_even_risk=risks,
    break_even_success=risks,
    catalogue=st.none() | texts,
)
said: dict[str, st.SearchStrategy[Any]] = {
    "alert": texts,
    "risk": risks,
    "risk_before": risks,
    "contributions": st.lists(st.builds(wire.Contribution, texts, figures), max_size=3).map(tuple),
    "signs": st.lists(signs, max_size=2).map(tuple),
    "value_at_risk": amounts,
    "recommended": st.none() | measures,
    "probable_cause": st.none() | st.sampled_from([cause.value for cause in values.Defector]),
    "segment": st.none() | st.text("abcäß ", min_size=1, max_size=12).map(lambda text: f"x{text}x"),
    "rules": rules,
    "model": st.none() | texts,
    "as_of": times,
}
messages = st.builds(wire.Message, **said)
snoozes = st.builds(wire.Message, **said, until=times, reason=st.none() | texts)
rows = st.builds(wire.Row, risk=risks, value_at_risk=amounts, alert=st.none() | texts, rules=rules, as_of=times)

ids = st.text('aä"\\/ ', min_size=1, max_size=12).map(lambda text: f"x{text}x")
weeks = st.integers(0, 5000).map(lambda number: number * WEEK)
day_numbers, counts = st.integers(-719_162, 2_932_896), st.integers(0, 10**9)
numbers = st.builds(
    Numbers,
    customer=ids,
    **dict.fromkeys(("first", "last", "opened", "complained"), day_numbers),
    **dict.fromkeys(("repeats", "complaints"), counts),
    **dict.fromkeys(("squares", "gap", "fast", "slow", "mean", "ticket", "complaints_fast"), figures),
    **dict.fromkeys(NAMES.values(), figures),
    counts=st.builds(Counts, day_numbers, st.tuples(*[counts] * 4), st.tuples(*[counts] * 4), st.tuples(*[counts] * 3)),
)
one_in = st.integers(0, 20).map(lambda number: 2**number)
segment_rows = st.lists(st.builds(SegmentRow, st.just("") | ids, *[st.integers(0, 2**62)] * 5), max_size=3)
segments = st.builds(Segments, one_in, segment_rows)
rows_of_part = st.lists(numbers, max_size=3)
told = (
    st.booleans(),
    counts,
    one_in,
    rows_of_part,
    segments,
    st.lists(st.builds(Candidate, ids, risks.map(lambda r: r or 0.0), st.just("") | ids, st.booleans()), max_size=3),
)
parts = st.builds(Part, rules, digests, weeks, st.integers(0, 999), *told)
finite = st.floats(-1e18, 1e18)
weights = st.lists(finite, max_size=3).map(tuple)
regressions = st.none() | st.builds(Regression, weights, weights, weights)
bases = st.builds(Population, finite, finite, finite, finite, finite)
priors = st.builds(Prior, figures, figures, figures)
paces = st.builds(Paces, *[priors] * 4, st.builds(Tickets, *[figures] * 4))
seasons = st.none() | st.tuples(*[finite] * 4)
of_week = {"paces": paces, "season": seasons, "admitted": st.frozensets(ids, max_size=3)}
models = st.builds(Model, week=weeks, population=bases, hazard=regressions, stack=regressions, **of_week)
results = st.builds(Result, rules, digests, weeks, counts, one_in, st.none() | models)


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


@given(parts)
def test_a_part_is_written_as_by_the_contract_and_read_as_it_was(part: Part) -> None:
    raw = population_wire.part_bytes(part)
    assert json.loads(population.part_bytes(population.read_part(raw))) == json.loads(raw)
    assert part == population_wire.read(raw)


@given(results)
def test_a_result_is_written_as_by_the_contract_and_read_as_it_was(result: Result) -> None:
    raw = population_wire.result_bytes(result)
    assert json.loads(population.model_bytes(population.read_model(raw))) == json.loads(raw)
    assert result == population_wire.read(raw)


@pytest.mark.parametrize("type_", population.POPULATION_TYPES)
def test_the_committed_example_of_the_whole_base_is_written_the_same(type_: str) -> None:
    raw = compact_json(example(type_))
    said = population_wire.read(raw)
    assert raw == (population_wire.part_bytes(said) if isinstance(said, Part) else population_wire.result_bytes(said))
    assert example(type_)["id"].encode() == population_wire.key_of(said)


def test_what_a_later_release_says_of_the_whole_base_is_known_as_that() -> None:
    with pytest.raises(UnknownType):
        population_wire.read(b'{"type": "tenure.of-tomorrow.v1", "data": {}}')


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"type": 1, "data": {}}', b'{"type": "tenure.x.v1"}'])
def test_what_is_no_message_of_the_whole_base_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        population_wire.read(raw)


def test_a_model_that_could_not_be_read_is_not_written() -> None:
    result = Result("r1", Rules().digest, WEEK, 1, 1, Model(WEEK, Population(r=float("nan"))))
    with pytest.raises(ValueError, match="1970-01-08T00:00:00Z has a figure that is not finite"):
        population_wire.result_bytes(result)


@pytest.mark.parametrize(
    ("own", "model"),
    [
        (wire.Message, AttritionAlertSnoozed),
        (wire.Row, RiskRow),
        (wire.SignEvidence, analytics.SignEvidence),
        (wire.Contribution, analytics.Contribution),
        (wire.Recommendation, analytics.Recommendation),
        (wire.Money, values.Money),
        (population_wire.PartData, population.AttritionPopulationPart),
        (population_wire.ResultData, population.AttritionModelRefitted),
        (population_wire.ModelData, population.RiskModel),
        (Segments, population.Segments),
        (Regression, population.RegressionWeights),
    ],
)
def test_no_field_of_the_contract_is_missing_and_none_stands_elsewhere(
    own: type[msgspec.Struct], model: type[BaseModel]
) -> None:
    assert list(model.model_fields) == [field.name for field in msgspec.structs.fields(own)]


def test_a_customer_has_the_columns_of_the_contract_in_their_order() -> None:
    assert population.CustomerNumbers._fields == Numbers.__struct_fields__


def test_a_segment_has_the_columns_of_the_contract_in_their_order() -> None:
    assert population.SegmentFigures._fields == SegmentRow.__struct_fields__


def test_the_parameters_of_a_base_are_those_of_the_contract() -> None:
    assert list(population.PopulationParameters.model_fields) == [field.name for field in fields(Population)]

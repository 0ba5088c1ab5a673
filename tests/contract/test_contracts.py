"""The published language as others see it: an example of every type, still read and still written the same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from shared.contracts.analytics import ALERT_TYPES, RiskRow, alert_bytes, read_alert, read_risk, risk_bytes
from shared.contracts.catalogue import DOMAIN_SERVICES, FACT_TYPES, FACTS_OF, INPUTS_OF, PROTOCOL_FACTS, RECORDED_AS
from shared.contracts.envelope import SCHEMA_ROOT, Event, Fact, Input, Unreadable, read_fact, read_inbound, write_fact
from shared.contracts.generate import EXAMPLES, INBOUND, OUTBOUND, TYPES, example, schema
from shared.contracts.population import (
    AttritionModelRefitted,
    AttritionPopulationPart,
    model_bytes,
    part_bytes,
    read_model,
    read_part,
)
from shared.contracts.protocol import TICK
from shared.contracts.segments import SEGMENT_ALERT_TYPES, read_segment_alert, segment_alert_bytes
from shared.contracts.tick import read_tick, write_tick
from tests.specification import day
from tests.strategies import facts_of

MODELS: dict[str, type[Input] | type[Fact]] = {**INBOUND, **FACT_TYPES, **OUTBOUND}
SPARSE = {"tenure.redrive.v1"}  # a command needs none of what a channel may say


def compact(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def with_more(value: Any) -> Any:
    """The same with a field that nobody knows in every object."""
    if isinstance(value, dict):
        return {name: with_more(part) for name, part in value.items()} | {"brought_by_a_later_release": 1}
    return [with_more(part) for part in value] if isinstance(value, list) else value


def test_every_type_has_an_example_and_every_example_a_type() -> None:
    assert set(TYPES) == {*MODELS, TICK} == {path.stem for path in EXAMPLES.glob("*.json")}


@pytest.mark.parametrize("type_", INBOUND)
def test_an_inbound_example_is_read_and_says_all_that_it_said(type_: str) -> None:
    document = example(type_)
    inbound = read_inbound(compact(document), INBOUND)
    assert document["data"] == inbound.data.model_dump(mode="json", exclude_unset=True)
    assert (document["source"], document["id"]) == (inbound.source, inbound.id)


@pytest.mark.parametrize("type_", FACT_TYPES)
def test_a_fact_that_was_published_is_read_and_written_the_same(type_: str) -> None:
    published = compact(example(type_))
    assert published == write_fact(read_fact(published, FACT_TYPES))


@pytest.mark.parametrize("type_", ALERT_TYPES)
def test_an_alert_that_was_published_is_read_and_written_the_same(type_: str) -> None:
    published = compact(example(type_))
    alert = read_alert(published)
    assert published == alert_bytes(alert.subject, alert.sequence, alert.data)


def test_a_row_of_risk_that_was_published_is_read_and_written_the_same() -> None:
    published = compact(example(RiskRow.TYPE))
    risk = read_risk(published)
    assert published == risk_bytes(risk.subject, risk.sequence, risk.data)


def test_what_was_said_of_the_whole_base_is_read_and_written_the_same() -> None:
    part, model = (compact(example(type_)) for type_ in (AttritionPopulationPart.TYPE, AttritionModelRefitted.TYPE))
    assert (part, model) == (part_bytes(read_part(part)), model_bytes(read_model(model)))


@pytest.mark.parametrize("type_", SEGMENT_ALERT_TYPES)
def test_an_alert_about_a_segment_is_read_and_written_the_same(type_: str) -> None:
    published = compact(example(type_))
    assert published == segment_alert_bytes(read_segment_alert(published))


def test_a_tick_that_was_published_is_read_and_written_the_same() -> None:
    published = compact(example(TICK))
    tick = read_tick(published)
    assert tick is not None
    assert published == write_tick(tick.source, tick.at, tick.last)


@pytest.mark.parametrize("type_", [t for t in MODELS if t not in SPARSE])
def test_an_example_leaves_no_field_out(type_: str) -> None:
    assert {field.alias or name for name, field in MODELS[type_].model_fields.items()} == example(type_)["data"].keys()


@pytest.mark.parametrize("type_", INBOUND)
def test_an_input_with_a_field_nobody_knows_is_refused_with_its_place(type_: str) -> None:
    document = example(type_)
    with pytest.raises(Unreadable) as refused:
        read_inbound(compact(document | {"data": with_more(document["data"])}), INBOUND)
    assert "invalid-data" == refused.value.code
    assert "data.brought_by_a_later_release" in {problem.path for problem in refused.value.problems}


def test_an_input_with_an_unknown_field_further_in_is_refused_too() -> None:
    document = example("tenure.enquiry.v1")
    document["data"]["campaign"]["price"] = 120
    with pytest.raises(Unreadable, match=r"data\.campaign\.price"):
        read_inbound(compact(document), INBOUND)


@pytest.mark.parametrize("type_", [t for t in FACT_TYPES if t != "tenure.cause-parked.v1"])
def test_a_fact_with_fields_of_a_later_release_is_read_without_them(type_: str) -> None:
    document = example(type_)
    assert read_fact(compact(document), FACT_TYPES) == read_fact(compact(with_more(document)), FACT_TYPES)


def test_an_event_set_aside_is_kept_as_it_was_sent() -> None:
    sent = {"data": {"words": None, "by": [{"name": None}]}, "x": None}
    document = example("tenure.cause-parked.v1")
    document["data"]["event"] = sent
    event = read_fact(compact(document), FACT_TYPES)
    assert sent == json.loads(write_fact(event))["data"]["event"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(facts_of(), st.sampled_from(DOMAIN_SERVICES))
def test_a_fact_is_read_as_it_was_written(fact: Fact, producer: str) -> None:
    event = Event(producer, "c|1/ä", 7, 6, 8, day(1), "shop|1", None, "shop|1", None, fact.TYPE, fact)
    assert event == read_fact(write_fact(event), FACT_TYPES)


def test_every_input_of_a_channel_is_kept_as_a_fact_of_the_service_that_takes_it() -> None:
    for service, inputs in INPUTS_OF.items():
        assert {RECORDED_AS[model] for model in inputs} <= set(FACTS_OF[service])


def test_no_two_types_share_a_name() -> None:
    assert len(MODELS) == len(INBOUND) + sum(map(len, FACTS_OF.values())) + len(PROTOCOL_FACTS) + len(OUTBOUND)


@pytest.mark.parametrize("type_", TYPES)
def test_a_schema_is_named_as_events_name_it_and_its_example_is_right_by_it(type_: str) -> None:
    described, said = schema(type_), example(type_)
    Draft202012Validator.check_schema(described)
    Draft202012Validator(described, format_checker=FormatChecker()).validate(said)
    assert SCHEMA_ROOT + type_ == described["$id"] == said["dataschema"]
    assert {said["type"]: True} == {described["properties"]["type"]["const"]: bool(described["description"])}


@pytest.mark.parametrize("type_", INBOUND)
def test_what_a_schema_refuses_is_refused(type_: str) -> None:
    document = example(type_)
    validator = Draft202012Validator(schema(type_), format_checker=FormatChecker())
    for name in schema(type_)["required"]:
        without = {key: value for key, value in document.items() if key != name}
        assert not validator.is_valid(without)
        with pytest.raises(Unreadable):
            read_inbound(compact(without), INBOUND)


def test_what_nobody_knows_has_neither_schema_nor_example() -> None:
    for find in (schema, example):
        with pytest.raises(KeyError):
            find("tenure.nothing.v1")

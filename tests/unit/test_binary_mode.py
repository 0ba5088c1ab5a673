"""An event is the same event in both modes of CloudEvents; what the bindings forbid is refused with words."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.binary_mode import (
    attributes_of_http,
    attributes_of_kafka,
    check_agreement,
    is_json,
    structured,
)
from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.envelope import MAX_EVENT_BYTES, Unreadable, read_inbound
from shared.contracts.values import format_time
from tests.binary_mode import attributes, data_of, http_headers, kafka_headers
from tests.strategies import ids, of_model, ordinary_times

EVENT: dict[str, Any] = {
    "specversion": "1.0", "id": "order-1", "source": "web-shop", "type": "tenure.purchase.v1", "subject": "customer-1",
    "time": "2026-01-31T11:59:00Z", "data": {"amount_minor": 1999, "currency": "EUR"},
}  # fmt: skip
SUBJECTS = st.sampled_from(("customer-1", "Zoë Müller", 'a "b" c', "100%", "a\\b", "日本/😀"))


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    type_ = draw(st.sampled_from(sorted(INPUT_TYPES)))
    data = draw(of_model(INPUT_TYPES[type_]))
    return {
        "specversion": "1.0",
        "id": draw(ids),
        "source": draw(st.sampled_from(("shop", "crm/über"))),
        "type": type_,
        "subject": draw(SUBJECTS),
        "time": format_time(draw(ordinary_times)),
        "comexampleextension": "no attribute of ours",
        "data": data.model_dump(mode="json", exclude_none=True),
    }


@given(events())
def test_an_event_in_either_mode_and_by_either_door_is_the_same_event(document: dict[str, Any]) -> None:
    structured_event = read_inbound(json.dumps(document).encode(), INPUT_TYPES)
    over_http = [(name.lower().encode(), value.encode()) for name, value in http_headers(document).items()]
    for said in (attributes_of_http(over_http), attributes_of_kafka(kafka_headers(document))):
        assert structured_event == read_inbound(structured(said, data_of(document)), INPUT_TYPES)


@given(st.text())
def test_what_is_percent_encoded_is_decoded_once(text: str) -> None:
    [(name, value)] = [h for h in http_headers({"subject": _whole(text)}).items() if h[0] == "ce-subject"]
    assert {"subject": _whole(text)} == attributes_of_http([(name.encode(), value.encode())])


def _whole(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()  # half a character cannot be sent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        (b"%6frder%2d1", "order-1"),
        (b'"a \\"b\\" \\\\c"', 'a "b" \\c'),
        (b'"50%25"', "50%"),
        (b"%2525", "%25"),
        ("Zoë".encode(), "Zoë"),
        (b"", ""),
    ],
)
def test_a_header_of_http_is_read_as_the_binding_says(value: bytes, text: str) -> None:
    assert {"subject": text} == attributes_of_http([(b"ce-subject", value), (b"host", b"%")])


@pytest.mark.parametrize(
    ("headers", "path", "reason"),
    [
        ([(b"ce-subject", b"%C0%A0")], "subject", "not UTF-8"),
        ([(b"ce-subject", b"\xff")], "subject", "not UTF-8"),
        ([(b"ce-subject", b"100%")], "subject", "two hexadecimal digits"),
        ([(b"ce-subject", b"%zz")], "subject", "two hexadecimal digits"),
        ([(b"ce-id", b"1"), (b"ce-id", b"1")], "id", "two headers"),
        ([(b"ce-data", b"{}")], "data", "is the body"),
        ([(b"ce-datacontenttype", b"application/json")], "datacontenttype", "content-type"),
        ([(b"ce-", b"1")], "", "no attribute has such a name"),
        ([(b"ce-my-extension", b"1")], "my-extension", "no attribute has such a name"),
        ([(b"ce-" + b"x" * 65, b"1")], "x" * 65, "no attribute has such a name"),
    ],
)
def test_a_header_of_http_that_is_wrong_is_named(headers: list[tuple[bytes, bytes]], path: str, reason: str) -> None:
    refused = refusal(lambda: attributes_of_http(headers))
    assert ("invalid-envelope", path) == (refused.code, refused.problems[0].path)
    assert reason in refused.problems[0].reason


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ([("ce_subject", b"\xff")], "subject"),
        ([("ce_id", b"1"), ("ce_id", b"2")], "id"),
        ([("ce_data", b"{}")], "data"),
        ([("ce_ID", b"1")], "ID"),
    ],
)
def test_a_header_of_kafka_that_is_wrong_is_named(headers: list[tuple[str, bytes]], path: str) -> None:
    refused = refusal(lambda: attributes_of_kafka(headers))
    assert ("invalid-envelope", path) == (refused.code, refused.problems[0].path)


def test_a_header_of_kafka_is_taken_as_it_is_and_one_without_a_value_is_empty() -> None:
    assert {"subject": "100%20", "id": ""} == attributes_of_kafka([("ce_subject", b"100%20"), ("ce_id", None)])


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (b"{'a': 1}", "not-json", "not JSON in UTF-8"),
        (b'{"a": 1}, "subject": "somebody-else"', "not-json", "Extra data"),
        (b'1, "subject": "somebody-else"', "not-json", "Extra data"),
        ('{"a": 1}'.encode("utf-16"), "not-json", "not JSON in UTF-8"),
        (b"[" * 100_000, "not-json", "not JSON in UTF-8"),
        (json.dumps(EVENT).encode(), "two-modes", "is a whole event"),
        (b" " * (MAX_EVENT_BYTES + 1), "too-large", "at most"),
    ],
    ids=["no JSON", "an object and more", "a number and more", "UTF-16", "nested", "a whole event", "too large"],
)
def test_data_that_is_not_one_value_of_json_is_refused(data: bytes, code: str, reason: str) -> None:
    refused = refusal(lambda: structured(attributes(EVENT), data))
    assert code == refused.code
    assert reason in str(refused)


def test_data_is_carried_byte_for_byte() -> None:
    data = b' {"amount_minor": 1999,\n "currency": "\\u0045UR"} '
    assert data in structured(attributes(EVENT), data)


@pytest.mark.parametrize("data", [None, b""])
def test_an_event_without_data_says_so(data: bytes | None) -> None:
    refused = refusal(lambda: read_inbound(structured(attributes(EVENT), data), INPUT_TYPES))
    assert ("invalid-data", "data") == (refused.code, refused.problems[0].path)


def test_headers_beside_a_structured_event_may_repeat_it_and_say_nothing_else() -> None:
    whole = json.dumps({**EVENT, "sampled": True, "priority": 5}).encode()
    check_agreement({"id": "order-1", "sampled": "true", "priority": "5"}, whole)
    for name, value in (("id", "order-2"), ("priority", "6"), ("unheard", "of")):
        refused = refusal(partial(check_agreement, {name: value}, whole))
        assert ("two-modes", name) == (refused.code, refused.problems[0].path)


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"'])
def test_data_is_json_in_utf_8(kind: str) -> None:
    assert is_json(kind)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/avro", "application/json; charset=utf-16"])
def test_data_is_nothing_else(kind: str) -> None:
    assert not is_json(kind)


def refusal(attempt: Callable[[], object]) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        attempt()
    return caught.value

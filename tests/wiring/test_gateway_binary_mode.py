"""The HTTP door in binary mode: attributes in headers, data as the body; behind it an event is one document."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.envelope import read_inbound
from tests.binary_mode import data_of, http_headers
from tests.wiring.gateway import BATCH, SINGLE, Gateway, event, raw, running

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running() as gateway:
        yield gateway


@pytest.mark.parametrize("subject", ["customer-1", "Zoë Müller", "100%"])
async def test_an_event_whose_attributes_stand_in_headers_is_accepted_as_the_event_it_is(
    gateway: Gateway, subject: str
) -> None:
    document = event(subject=subject)
    answer = await gateway.send(data_of(document), http_headers(document))
    assert (202, ["order-1"]) == (answer.status_code, [result["id"] for result in answer.json()["results"]])
    assert 202 == (await gateway.send(raw(document))).status_code
    binary, structured = gateway.records
    assert (structured.topic, structured.partition, structured.key) == (binary.topic, binary.partition, binary.key)
    assert read_inbound(structured.value or b"", INPUT_TYPES) == read_inbound(binary.value or b"", INPUT_TYPES)
    assert not [name for name, _ in binary.headers if name.startswith("ce")]


async def test_a_dry_run_takes_it_too(gateway: Gateway) -> None:
    answer = await gateway.send(data_of(event()), http_headers(event()), "/v1/events:validate")
    assert (200, "valid") == (answer.status_code, answer.json()["results"][0]["status"])


async def test_the_trace_of_the_event_goes_before_that_of_the_request(gateway: Gateway) -> None:
    headers = {**http_headers(event()), "ce-traceparent": TRACE, "traceparent": TRACE.replace("4", "5")}
    assert 202 == (await gateway.send(data_of(event()), headers)).status_code
    [record] = gateway.records
    assert (TRACE, ()) == (json.loads(record.value or b"")["traceparent"], record.headers)


async def test_an_extension_that_nobody_knows_is_taken_as_in_structured_mode(gateway: Gateway) -> None:
    headers = {**http_headers(event()), "ce-knativearrivaltime": "2026-01-31T11:59:01Z"}
    assert 202 == (await gateway.send(data_of(event()), headers)).status_code


async def test_a_structured_event_may_repeat_its_attributes_in_headers(gateway: Gateway) -> None:
    headers = {**http_headers(event()), **SINGLE}
    assert 202 == (await gateway.send(raw(event()), headers)).status_code
    assert [raw(event())] == [record.value for record in gateway.records]


def changed(**headers: str | None) -> dict[str, str]:
    """Headers that are right, but for the changes; None takes one away."""
    all_of_them = {**http_headers(event()), **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {name: value for name, value in all_of_them.items() if value is not None}


BAD: dict[str, tuple[Any, bytes, int, str, str]] = {
    "no version": (changed(ce_specversion=None), data_of(event()), 422, "invalid-envelope", "specversion"),
    "no id": (changed(ce_id=None), data_of(event()), 422, "invalid-envelope", "id"),
    "no type": (changed(ce_type=None), data_of(event()), 422, "invalid-envelope", "type"),
    "an unknown type": (changed(ce_type="tenure.party.v1"), data_of(event()), 422, "unknown-type", "type"),
    "a time that is none": (changed(ce_time="yesterday"), data_of(event()), 422, "invalid-envelope", "time"),
    "an id twice": ([*changed().items(), ("ce-id", "2")], data_of(event()), 422, "invalid-envelope", "id"),
    "a stray %": (changed(ce_subject="100%"), data_of(event()), 422, "invalid-envelope", "subject"),
    "data as a header": (changed(ce_data="{}"), data_of(event()), 422, "invalid-envelope", "data"),
    "its media type as an attribute": (
        changed(ce_datacontenttype="application/json"), data_of(event()), 422, "invalid-envelope", "datacontenttype",
    ),
    "a name that is none": (changed(ce_my_name="x"), data_of(event()), 422, "invalid-envelope", "my-name"),
    "no body": (changed(), b"", 422, "invalid-data", "data"),
    "a list as data": (changed(), b"[]", 422, "invalid-data", "data"),
    "data that is no JSON": (changed(), b"{", 400, "not-json", "data"),
    "more than its data": (changed(), data_of(event()) + b',"id":"x"', 400, "not-json", "data"),
    "a whole event as data": (changed(), raw(event()), 400, "two-modes", "data"),
    "a structured event that says something else": (
        {**changed(ce_id="order-2"), **SINGLE}, raw(event()), 400, "two-modes", "id",
    ),
    "256 KiB of data": (changed(), b" " * 256 * 1024 + b"{}", 413, "too-large", ""),
    "data of 256 KiB with its attributes": (changed(), b" " * (256 * 1024 - 2) + b"{}", 413, "too-large", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_what_is_wrong_is_refused_with_a_reason(gateway: Gateway, name: str) -> None:
    headers, body, status, code, path = BAD[name]
    answer = await gateway.send(body, headers)
    problem = answer.json()
    assert (status, "application/problem+json", code) == (
        answer.status_code, answer.headers["Content-Type"], problem["code"],
    )  # fmt: skip
    if path:
        assert path == problem["problems"][0]["path"]
    assert [] == gateway.records


@pytest.mark.parametrize("kind", ["application/xml", "text/plain", "application/json; charset=latin-1"])
async def test_data_that_is_no_json_is_not_taken(gateway: Gateway, kind: str) -> None:
    answer = await gateway.send(data_of(event()), {**http_headers(event()), "Content-Type": kind})
    assert (415, "media-type-not-supported") == (answer.status_code, answer.json()["code"])


async def test_a_batch_has_no_binary_mode(gateway: Gateway) -> None:
    answer = await gateway.send(raw([event()]), {**http_headers(event()), **BATCH})
    assert (400, "two-modes") == (answer.status_code, answer.json()["code"])

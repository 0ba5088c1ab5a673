"""What the HTTP door refuses: each with a status, a code, and the path of what is wrong; neighbours go on."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from shared.keys import ApiKey, KeysUnavailable, MemoryKeyStore, Scope
from shared.settings import TimeSource
from tests.wiring.gateway import BATCH, NOW, SINGLE, Gateway, Time, at, event, raw, running

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running() as gateway:
        yield gateway


def purchase(**data: Any) -> bytes:
    return raw(event(data={"amount_minor": 1999, "currency": "EUR", **data}))


MEASURES = "tenure.measures.v1"
CALL = {"name": "call", "words": "a call", "cost": {"thousandths_of_ticket": 5}, "success_thousandths": 80}
NO_COST, MOOD = "data.measures.0.cost.SumOfMoney.amount_minor", "data.measures.0.suits.0"


def measures(*said: dict[str, Any]) -> bytes:
    return raw(event(type=MEASURES, subject="measures", data={"measures": said}))


def _nested(depth: int) -> Any:
    return [] if depth == 1 else [_nested(depth - 1)]


BAD: dict[str, tuple[bytes, int, str, str]] = {
    "not JSON": (b"{'id': 1}", 400, "not-json", ""),
    "half of it": (raw(event())[:-20], 400, "not-json", ""),
    "nothing": (b"", 400, "not-json", ""),
    "a number": (b"5", 400, "not-json", ""),
    "nested without end": (b'{"a":' * 40_000, 400, "not-json", ""),
    "nested deeply": (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, 400, "not-json", ""),
    "UTF-16": (json.dumps(event()).encode("utf-16"), 400, "not-json", ""),
    "nested too deeply": (purchase(product=_nested(32)), 422, "too-deep", ""),
    "not UTF-8": (raw(event()).replace(b"order-1", b"order-\xff"), 400, "not-json", ""),
    "an unknown type": (raw(event(type="tenure.party.v1")), 422, "unknown-type", "type"),
    "a tick": (raw(event(type="tenure.tick.v1")), 422, "unknown-type", "type"),
    "a redrive": (raw(event(type="tenure.redrive.v1", data={})), 422, "unknown-type", "type"),
    "a fact of ours": (raw(event(type="tenure.purchase-recorded.v1")), 422, "unknown-type", "type"),
    "no type": (raw(event(type=None)), 422, "invalid-envelope", "type"),
    "no id": (raw(event(id=None)), 422, "invalid-envelope", "id"),
    "an id as a number": (raw(event(id=1)), 422, "invalid-envelope", "id"),
    "another version of CloudEvents": (raw(event(specversion="0.3")), 422, "invalid-envelope", "specversion"),
    "an empty customer id": (raw(event(subject="")), 422, "invalid-envelope", "subject"),
    "no customer id": (raw(event(subject=None)), 422, "invalid-envelope", "subject"),
    "a customer id of 10,000 characters": (raw(event(subject="x" * 10_000)), 422, "invalid-envelope", "subject"),
    "a customer id with a control character": (raw(event(subject="a\u0000b")), 422, "invalid-envelope", "subject"),
    "a customer id with blanks around": (raw(event(subject=" a")), 422, "invalid-envelope", "subject"),
    "a customer id not in normal form": (raw(event(subject="cafe\u0301")), 422, "invalid-envelope", "subject"),
    "a customer id with half a character": (raw(event(subject="\ud800")), 422, "invalid-envelope", "subject"),
    "a source with a bar": (raw(event(source="a|b")), 422, "invalid-envelope", "source"),
    "a source of ours": (raw(event(source="tenure/retention")), 422, "source-reserved", "source"),
    "the source of the clock": (raw(event(source="clock")), 422, "source-reserved", "source"),
    "a time without zone": (raw(event(time="2026-01-31T11:00:00")), 422, "invalid-envelope", "time"),
    "a time as a number": (raw(event(time=1769853600)), 422, "invalid-envelope", "time"),
    "a time that does not exist": (raw(event(time="2026-02-30T11:00:00Z")), 422, "invalid-envelope", "time"),
    "a time in the future": (raw(event(time=at(timedelta(hours=1)))), 422, "time-in-future", "time"),
    "a time long ago": (raw(event(time=at(timedelta(days=-31)))), 422, "too-old", "time"),
    "a purchase of measures": (raw(event(subject="measures")), 422, "wrong-subject", "subject"),
    "measures of a customer": (raw(event(type=MEASURES, data={"measures": []})), 422, "wrong-subject", "subject"),
    "measures of a partition": (raw(event(type=MEASURES, subject="measures/0", data={"measures": []})), 422,
                                "wrong-subject", "subject"),
    "two measures of one name": (measures(CALL, CALL), 422, "invalid-data", "data.measures"),
    "a measure that costs nothing said": (measures({**CALL, "cost": {}}), 422, "invalid-data", NO_COST),
    "a measure that brings money": (measures({**CALL, "incentive": {"amount_minor": -1, "currency": "EUR"}}), 422,
                                    "invalid-data", "data.measures.0.incentive.SumOfMoney.amount_minor"),
    "a measure that suits a sign nobody knows": (measures({**CALL, "suits": ["mood"]}), 422, "invalid-data", MOOD),
    "too many measures": (measures(*({**CALL, "name": str(n)} for n in range(51))), 422, "invalid-data",
                          "data.measures"),
    "an amount as a float": (purchase(amount_minor=19.99), 422, "invalid-data", "data.amount_minor"),
    "an amount as a whole float": (purchase(amount_minor=1999.0), 422, "invalid-data", "data.amount_minor"),
    "an amount as text": (purchase(amount_minor="1999"), 422, "invalid-data", "data.amount_minor"),
    "an amount below zero": (purchase(amount_minor=-1), 422, "invalid-data", "data.amount_minor"),
    "an amount beyond all bounds": (purchase(amount_minor=10**30), 422, "invalid-data", "data.amount_minor"),
    "an amount that is no number": (purchase(amount_minor=float("nan")), 422, "invalid-data", "data.amount_minor"),
    "a currency in small letters": (purchase(currency="eur"), 422, "invalid-data", "data.currency"),
    "a field nobody knows": (purchase(discount=5), 422, "invalid-data", "data.discount"),
    "a field with half a character": (purchase(**{"\udfff": 5}), 422, "invalid-data", "data"),
    "a truth as text": (purchase(**{"import": "true"}), 422, "invalid-data", "data.import"),
    "no data": (raw(event(data=None)), 422, "invalid-data", "data"),
    "data as text": (raw(event(data="{}")), 422, "invalid-data", "data"),
    "another kind of data": (raw(event(datacontenttype="text/xml")), 422, "invalid-envelope", "datacontenttype"),
    "2 MiB": (purchase(product="x" * 2 * 1024 * 1024), 413, "too-large", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_alone_is_refused_with_a_reason(gateway: Gateway, name: str) -> None:
    body, status, code, path = BAD[name]
    answer = await gateway.send(body)
    problem = answer.json()
    assert (status, "application/problem+json", code) == (
        answer.status_code,
        answer.headers["Content-Type"],
        problem["code"],
    )
    assert f"urn:tenure:problem:{code}" == problem["type"]
    assert problem["detail"]
    if path:
        assert path == problem["problems"][0]["path"]
    assert [] == gateway.records


NO_ELEMENT = {"half of it", "nothing", "nested without end"}  # nobody can tell where such an element ends


@pytest.mark.parametrize("name", [name for name in BAD if name not in NO_ELEMENT])
async def test_bad_input_in_a_batch_does_not_harm_its_neighbours(gateway: Gateway, name: str) -> None:
    body, status, code, _ = BAD[name]
    good = [raw(event(id="before")), raw(event(id="behind"))]
    answer = await gateway.send(b"[" + b",".join([good[0], body, good[1]]) + b"]", BATCH)
    assert 207 == answer.status_code, answer.text
    assert ["accepted", "refused", "accepted"] == [result["status"] for result in answer.json()["results"]]
    problem = answer.json()["results"][1]["problem"]
    assert (status, code) == (problem["status"], problem["code"])
    assert good == [record.value for record in gateway.records]


async def test_an_import_of_the_past_may_be_as_old_as_it_is(gateway: Gateway) -> None:
    old = event(time="1997-01-01T00:00:00Z", data={"amount_minor": 1, "currency": "EUR", "import": True})
    assert 202 == (await gateway.send(raw(old))).status_code


async def test_a_batch_of_which_nothing_is_right_is_refused_with_a_result_for_each(gateway: Gateway) -> None:
    answer = await gateway.send_batch(event(subject=""), event(id="x", type="no"))
    assert (422, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])
    assert ["order-1", "x"] == [result["id"] for result in answer.json()["results"]]
    assert (0, 2) == (answer.json()["accepted"], answer.json()["refused"])


@pytest.mark.parametrize("body", [b"[{]", b'[{"a":"]', b"{}", b"[1] 2", b"[1}", b""])
async def test_a_batch_that_is_no_array_is_refused_whole(gateway: Gateway, body: bytes) -> None:
    answer = await gateway.send(body, BATCH)
    assert (400, "not-json") == (answer.status_code, answer.json()["code"])


async def test_more_than_a_thousand_events_are_too_many(gateway: Gateway) -> None:
    answer = await gateway.send_batch(*([event()] * 1001))
    assert (413, "too-many-events") == (answer.status_code, answer.json()["code"])
    assert [] == gateway.records


@pytest.mark.parametrize(("headers", "limit"), [(SINGLE, 256), (JSON, 256), (BATCH, 8 * 1024)])
async def test_a_body_that_is_too_large_is_not_read_to_its_end(
    gateway: Gateway, headers: dict[str, str], limit: int
) -> None:
    given_kib = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given_kib
        yield b"[" if headers is BATCH else b"{"
        while given_kib < 20_000:
            given_kib += 1
            yield b" " * 1024

    answer = await gateway.client.post("/v1/events", content=endless(), headers=headers)
    assert (413, "too-large") == (answer.status_code, answer.json()["code"])
    assert limit >= given_kib - 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/json; charset=utf-16"},
        {**SINGLE, "Content-Encoding": "gzip"},
        [("Content-Type", "application/json"), ("Content-Type", "application/xml")],
    ],
)
async def test_other_media_types_are_refused(gateway: Gateway, headers: Any) -> None:
    answer = await gateway.send(raw(event()), headers)
    assert (415, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])


@pytest.mark.parametrize(
    "credentials",
    ["", "Bearer", "Bearer tnr_abc_wrong", "Bearer tnr_\u00e9_x", "Basic dGVudXJl", "Bearer " + "x" * 10_000],
)
async def test_without_a_valid_key_nobody_comes_in(gateway: Gateway, credentials: str) -> None:
    headers = {**SINGLE, "Authorization": credentials.encode("latin-1")}
    answer = await gateway.client.post("/v1/events", content=raw(event()), headers=headers)  # type: ignore[arg-type]
    assert 401 == answer.status_code
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert [] == gateway.records


async def test_the_key_may_stand_in_the_other_header(gateway: Gateway) -> None:
    key = gateway.client.headers.pop("Authorization").removeprefix("Bearer ")
    assert 202 == (await gateway.send(raw(event()), {**SINGLE, "X-API-Key": key})).status_code


@pytest.mark.parametrize(
    ("path", "scopes"),
    [("/v1/events", set(Scope) - {Scope.SEND}), ("/v1/history:advance", set(Scope) - {Scope.HISTORY})],
)
async def test_a_key_without_the_scope_is_refused(gateway: Gateway, path: str, scopes: set[Scope]) -> None:
    answer = await gateway.send(raw(event()), {**SINGLE, **await gateway.key(*scopes)}, path)
    assert (403, "scope-missing") == (answer.status_code, answer.json()["code"])


async def test_a_revoked_key_is_refused_within_seconds() -> None:
    passing = Time()
    async with running(passing=passing) as gateway:
        headers = {**SINGLE, **await gateway.key(Scope.SEND)}
        assert 202 == (await gateway.send(raw(event()), headers)).status_code
        await gateway.keys.revoke((await gateway.keys.all())[-1].id, NOW)
        await gateway.keys.revoke((await gateway.keys.all())[0].id, NOW)
        passing.seconds += 6
        assert 401 == (await gateway.send(raw(event()), headers)).status_code


class Away(MemoryKeyStore):
    async def find(self, id_: str) -> ApiKey | None:
        raise KeysUnavailable


async def test_when_keys_cannot_be_read_the_answer_is_later() -> None:
    async with running(keys=Away()) as gateway:
        answer = await gateway.send(raw(event()))
    assert (503, "keys-unavailable") == (answer.status_code, answer.json()["code"])
    assert "Retry-After" in answer.headers


async def test_a_source_belongs_to_its_key_and_neighbours_go_on(gateway: Gateway) -> None:
    headers = await gateway.key(Scope.SEND, sources=("web-shop",))
    alone = await gateway.send(raw(event(source="crm")), {**SINGLE, **headers})
    assert (403, "source-not-yours", "source") == (
        alone.status_code,
        alone.json()["code"],
        alone.json()["problems"][0]["path"],
    )
    mixed = await gateway.send(raw([event(source="crm"), event()]), {**BATCH, **headers})
    assert ["refused", "accepted"] == [result["status"] for result in mixed.json()["results"]]
    assert 1 == len(gateway.records)


async def test_measures_take_a_key_for_operators_too(gateway: Gateway) -> None:
    headers = await gateway.key(Scope.SEND)
    answer = await gateway.send(measures(CALL), {**SINGLE, **headers})
    assert (403, "scope-missing") == (answer.status_code, answer.json()["code"])
    both = await gateway.key(Scope.SEND, Scope.ADMIN)
    assert 202 == (await gateway.send(measures(CALL), {**SINGLE, **both})).status_code


async def test_in_wall_time_nobody_advances_it(gateway: Gateway) -> None:
    answer = await gateway.send(raw({"to": "2026-01-01T00:00:00Z"}), JSON, "/v1/history:advance")
    assert (409, "not-in-history") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (b"{", 400, ""),
        (b"{}", 422, "to"),
        (b'{"to": 5}', 422, "to"),
        (b'{"to": "2026-01-01T00:00:00"}', 422, "to"),
        (b'{"to": "2026-01-01T00:00:00Z", "last": "yes"}', 422, "last"),
        (b'{"to": "2026-01-01T00:00:00Z", "until": 1}', 422, "until"),
        (b" " * 5000, 413, None),
    ],
)
async def test_an_advance_that_is_not_right_is_refused(body: bytes, status: int, path: str | None) -> None:
    async with running(time=TimeSource.HISTORY) as gateway:
        answer = await gateway.send(body, JSON, "/v1/history:advance")
        assert status == answer.status_code
        if path is not None:
            assert path == answer.json()["problems"][0]["path"]
        assert [] == gateway.records


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/events", 405), ("GET", "/v2", 404)])
async def test_where_nothing_is_the_answer_is_a_problem_too(
    gateway: Gateway, method: str, path: str, status: int
) -> None:
    answer = await gateway.client.request(method, path)
    assert (status, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])
    assert status == answer.json()["status"]


async def test_the_api_describes_itself(gateway: Gateway) -> None:
    description = (await gateway.client.get("/openapi.json")).json()
    assert description["openapi"].startswith("3.1")
    assert {"/v1/events", "/v1/events:validate", "/v1/history:advance"} == set(description["paths"])
    assert "$defs" not in json.dumps(description)

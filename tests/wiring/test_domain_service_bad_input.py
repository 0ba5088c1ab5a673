"""What cannot be taken from an inbox is set aside whole, with a reason that can be acted on, and holds up nobody."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.contracts.envelope import MAX_EVENT_BYTES
from shared.settings import TimeSource
from shared.topics import partition_of
from tests.wiring.deciding import Deployment, event, purchase

TYPE = "tenure.purchase.v1"
GOOD = {"amount_minor": 100, "currency": "EUR"}


def said(**changes: Any) -> bytes:
    return json.dumps(json.loads(purchase("bad")) | changes, ensure_ascii=True).encode()


def without(name: str) -> bytes:
    document = json.loads(purchase("bad"))
    del document[name]
    return json.dumps(document).encode()


BAD: dict[str, tuple[bytes | None, str, str]] = {
    "not JSON": (b"{not json", "not-json", "not JSON in UTF-8"),
    "not UTF-8": (b"\xff\xfe{}", "not-json", "not JSON in UTF-8"),
    "not an object": (b"[1, 2]", "not-json", "expected a JSON object"),
    "nested without end": (b'{"data":' + b"[" * 100_000, "not-json", "not JSON in UTF-8"),
    "a number with too many digits": (b'{"id": ' + b"9" * 5_000 + b"}", "not-json", "not JSON in UTF-8"),
    "no value": (None, "no-value", "the record has no value"),
    "nothing": (b"", "not-json", "not JSON in UTF-8"),
    "2 MiB": (purchase("bad", extension="x" * 2 * 1024 * 1024), "too-large", f"at most {MAX_EVENT_BYTES}"),
    "an unknown type": (said(type="tenure.unheard-of.v1"), "unknown-type", "'tenure.unheard-of.v1' is not"),
    "another service's type": (event("tenure.contact.v1", "bad", "anna", 0, {"route": "email"}), "unknown-type", ""),
    "a fact": (said(type="tenure.purchase-recorded.v1"), "unknown-type", "is not an event type"),
    "another version of CloudEvents": (said(specversion="0.3"), "invalid-envelope", "specversion"),
    "no data": (without("data"), "invalid-data", "data: is missing"),
    "data of another schema": (said(data={"price": 3}), "invalid-data", "data.amount_minor"),
    "a float amount": (said(data=GOOD | {"amount_minor": 9.99}), "invalid-data", "data.amount_minor"),
    "an amount as text": (said(data=GOOD | {"amount_minor": "100"}), "invalid-data", "data.amount_minor"),
    "an amount beyond 2^53": (said(data=GOOD | {"amount_minor": 2**60}), "invalid-data", "data.amount_minor"),
    "a field too many": (said(data=GOOD | {"amonut": 1}), "invalid-data", "data.amonut"),
    "a time without a zone": (said(time="2026-01-01T00:00:00"), "invalid-envelope", "time: expected an RFC 3339"),
    "a number as time": (said(time=1767225600), "invalid-envelope", "time: expected a time as a string"),
    "a day that does not exist": (said(time="2026-02-30T00:00:00Z"), "invalid-envelope", "time: not a time"),
    "an empty id": (said(id=""), "invalid-envelope", "id:"),
    "an id of 10,000 characters": (said(id="x" * 10_000), "invalid-envelope", "id:"),
    "an id of control characters": (said(id="a\x00b"), "invalid-envelope", "id: must not contain control"),
    "an empty customer": (said(subject=""), "invalid-envelope", "subject:"),
    "a customer of 10,000 characters": (said(subject="x" * 10_000), "invalid-envelope", "subject:"),
    "a customer with a blank": (said(subject=" anna"), "invalid-envelope", "subject: must not begin or end"),
    "a customer in another normal form": (said(subject="Zoe\u0308"), "invalid-envelope", "subject: must be in Unicode"),
    "a trace of 100,000 characters": (said(traceparent="x" * 100_000), "invalid-envelope", "traceparent:"),
    "half a character": (said(subject="\ud800"), "invalid-envelope", "subject:"),
    "a source with a bar": (said(source="shop|2"), "invalid-envelope", "source: must not contain '|'"),
    "a source of the system": (said(source="tenure/shop"), "source-reserved", "source: 'tenure/shop' is reserved"),
    "the clock as source": (said(source="clock"), "source-reserved", "source: 'clock' is reserved"),
    "a number as id": (said(id=7), "invalid-envelope", "id:"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
async def test_an_unreadable_record_does_not_hold_up_its_neighbours(kind: str) -> None:
    raw, code, reason = BAD[kind]
    retention = Deployment()
    retention.send(purchase("1"), raw, purchase("2"))
    member = await retention.owner()
    await member.read_all()
    [letter] = retention.letters
    assert ["shop|1", "shop|2"] == await retention.stored()
    assert (code, 1, raw, 3) == (letter.code, letter.offset, letter.value, retention.committed)
    assert reason in letter.reason
    assert [] == member.pauses


async def test_each_bad_record_is_set_aside_once_also_if_all_are_bad() -> None:
    retention = Deployment()
    retention.send(*(raw for raw, _, _ in BAD.values()))
    await (await retention.owner()).read_all(most=5)
    assert list(range(len(BAD))) == [letter.offset for letter in retention.letters]
    assert [] == retention.log


FUTURE, PAST = purchase("bad", on=1), purchase("bad", on=-40)


@pytest.mark.parametrize(
    ("raw", "code"), [(FUTURE, "time-in-future"), (PAST, "too-old")], ids=["in the future", "long ago"]
)
async def test_in_wall_time_an_event_far_from_the_record_s_time_is_set_aside(raw: bytes, code: str) -> None:
    retention = Deployment()
    retention.send(raw, purchase("1"))
    await (await retention.owner()).read_all()
    assert [code] == [letter.code for letter in retention.letters]
    assert ["shop|1"] == await retention.stored()


@pytest.mark.parametrize("raw", [FUTURE, PAST])
async def test_in_history_every_time_will_do(raw: bytes) -> None:
    retention = Deployment(time=TimeSource.HISTORY)
    retention.send(raw)
    await (await retention.owner()).read_all()
    assert (["shop|bad"], []) == (await retention.stored(), retention.letters)


async def test_an_import_of_the_past_says_so_and_is_taken() -> None:
    retention = Deployment()
    retention.send(event(TYPE, "1", "anna", -4_000, GOOD | {"import": True}))
    await (await retention.owner()).read_all()
    assert ["shop|1"] == await retention.stored()


HEADERS: dict[str, tuple[str, Any]] = {
    "no value": ("traceparent", None),
    "no text": ("traceparent", b"\xff\xfe"),
    "a trace that is none": ("traceparent", b"hello"),
    "1 MB": ("traceparent", b"0" * 1_000_000),
    "a name of ours": ("reason", b"{}"),
}


@pytest.mark.parametrize("kind", HEADERS)
async def test_bad_headers_change_nothing(kind: str) -> None:
    retention = Deployment()
    retention.send(purchase("1"), headers=(HEADERS[kind],))
    await (await retention.owner()).read_all()
    assert [None] == [fact.traceparent for fact in retention.facts()]


async def test_a_trace_that_is_none_is_not_copied_into_the_facts() -> None:
    retention = Deployment()
    retention.send(purchase("1", traceparent="none of W3C"), purchase("2", traceparent=TRACE))
    await (await retention.owner()).read_all()
    assert [None, TRACE] == [fact.traceparent for fact in retention.facts()]


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

KEYS: dict[str, Callable[[int], dict[str, Any]]] = {
    "another customer's key": lambda home: {"key": b"bert", "partition": home},
    "no key": lambda home: {"key": None, "partition": home},
    "another partition": lambda home: {"key": b"anna", "partition": 1 - home},
}


@pytest.mark.parametrize("kind", KEYS)
async def test_a_record_under_the_wrong_key_or_partition_is_a_dead_letter_that_names_the_partition(kind: str) -> None:
    retention = Deployment(partitions=2)
    home = partition_of("anna", 2)
    retention.send(purchase("1"), **KEYS[kind](home))
    await (await retention.owner()).read_all()
    [letter] = retention.letters
    assert "wrong-partition" == letter.code
    assert f"its partition {home} (murmur2 of the key" in letter.reason
    assert [] == await retention.stored()

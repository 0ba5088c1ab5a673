"""A record whose attributes stand in its headers: decided as the event it is, set aside with them, sent again."""

import json
from typing import Any

import pytest

from cli.dead_letters import letter_of
from cli.redriving.letters import Candidate, Examiner
from shared.memory_broker import MemoryRecord
from shared.settings import TimeSource
from shared.topics import dead_letters, partition_of
from tests.binary_mode import data_of, kafka_headers
from tests.wiring.deciding import SERVICE, Deployment, day, event, purchase

HOME = partition_of("anna", 2)
Header = tuple[str, bytes]


def document(id_: str, **changes: Any) -> dict[str, Any]:
    return {**json.loads(purchase(id_)), **changes}


def send(retention: Deployment, said: dict[str, Any], *more: Header, value: bytes | None = b"-", **place: Any) -> None:
    """In binary mode. `value`: other bytes than those of its data."""
    retention.send(data_of(said) if value == b"-" else value, headers=(*kafka_headers(said), *more), **place)


async def test_the_same_event_in_both_modes_is_one_event() -> None:
    retention = Deployment()
    for first, second in (("1", "1"), ("2", "2")):
        send(retention, document(first))
        retention.send(purchase(second))
    await (await retention.owner()).read_all()
    assert ["shop|1", "shop|2"] == await retention.stored()
    assert [] == retention.letters


async def test_other_content_under_its_id_is_set_aside_in_either_mode() -> None:
    retention = Deployment()
    retention.send(purchase("1"))
    send(retention, document("1", data={"amount_minor": 7, "currency": "EUR"}))
    await (await retention.owner()).read_all()
    assert ["id-used-again"] == [letter.code for letter in retention.letters]


async def test_what_is_parked_is_the_whole_event_and_can_be_decided_later() -> None:
    retention = Deployment()
    retention.rules.broken = {"shop|1"}
    send(retention, document("1"))
    member = await retention.owner()
    await member.read_all()
    retention.rules.broken = set()
    retention.send(event("tenure.redrive.v1", "r", "anna", 0, {}, source="tenure/redrive"))
    await member.read_all()
    assert "purchase-recorded by tenure/redrive|r" in retention.log


JSON = ("content-type", b"application/json")
DATA = data_of(document("1"))
BAD: dict[str, tuple[tuple[Header, ...], bytes | None, str, str]] = {
    "no media type": (kafka_headers(document("1"))[:-1], DATA, "media-type-not-supported", "0 headers"),
    "two media types": ((*kafka_headers(document("1")), JSON), DATA, "media-type-not-supported", "2 headers"),
    "another": ((("ce_id", b"1"), ("content-type", b"application/avro")), DATA, "media-type-not-supported", "avro"),
    "no text": ((("ce_id", b"1"), ("content-type", b"\xff")), DATA, "media-type-not-supported", ""),
    "no version": (kafka_headers(document("1"))[1:], DATA, "invalid-envelope", "specversion"),
    "an id twice": ((*kafka_headers(document("1")), ("ce_id", b"2")), DATA, "invalid-envelope", "two headers"),
    "an id that is no text": ((JSON, ("ce_id", b"\xff")), DATA, "invalid-envelope", "not UTF-8"),
    "no data": (kafka_headers(document("1")), None, "invalid-data", "data: is missing"),
    "data that is no JSON": (kafka_headers(document("1")), b"{", "not-json", "data: not JSON"),
    "a whole event as data": (kafka_headers(document("1")), purchase("1"), "two-modes", "is a whole event"),
    "a structured event that says something else": (
        (("content-type", b"application/cloudevents+json"), ("ce_id", b"2")), purchase("1"), "two-modes", "id:",
    ),
    "a tick in binary mode": (
        kafka_headers(document("1", type="tenure.tick.v1")), b'{"last": false}', "unknown-type", "type:",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
async def test_what_is_wrong_is_set_aside_with_its_bytes_and_its_headers(kind: str) -> None:
    headers, value, code, reason = BAD[kind]
    retention = Deployment()
    retention.send(value, headers=headers)
    retention.send(purchase("2"))
    await (await retention.owner()).read_all()
    [letter] = retention.letters
    assert (code, value, ["shop|2"]) == (letter.code, letter.value, await retention.stored())
    assert reason in letter.reason
    assert headers == originals(retention.broker.records(dead_letters(SERVICE))[0])


async def test_a_header_of_the_record_cannot_pass_for_one_of_ours() -> None:
    retention = Deployment()
    retention.send(b"{", headers=(("reason", b"{}"), ("topic", b"elsewhere"), ("original.key", b"x")))
    await (await retention.owner()).read_all()
    letter = letter_of(retention.broker.records(dead_letters(SERVICE))[0])
    assert ("retention.inbox", "not-json", b"anna") == (letter.topic, letter.code, letter.key)


async def test_it_goes_back_to_its_inbox_with_its_headers_and_is_recorded() -> None:
    retention = Deployment(partitions=2)
    send(retention, document("1"), ("traceparent", b"of the record"), partition=1 - HOME)
    member = await retention.owner()
    await member.read_all()
    candidate = await set_aside(retention)
    record = candidate.record()
    assert (None, HOME, data_of(document("1"))) == (candidate.obstacle, record.partition, record.value)
    sent_headers = (*kafka_headers(document("1")), ("traceparent", b"of the record"))
    assert (*sent_headers, ("redriven-from", str(candidate.place).encode())) == record.headers
    retention.broker.append(record.topic, record.partition, record.key, record.value, record.headers)
    await member.read_all()
    assert ["shop|1"] == await retention.stored()


async def test_what_is_set_aside_again_says_where_it_stood_last() -> None:
    retention = Deployment(partitions=2)
    send(retention, document("1"), ("redriven-from", b"retention.inbox/0/77"), partition=1 - HOME)
    await (await retention.owner()).read_all()
    candidate = await set_aside(retention)
    assert [str(candidate.place).encode()] == [v for n, v in candidate.record().headers if n == "redriven-from"]


async def set_aside(retention: Deployment) -> Candidate:
    letters = [letter_of(record) for record in retention.broker.records(dead_letters(SERVICE))]
    [candidate] = Examiner(partitions=2, time=TimeSource.WALL, now=day(0)).examine(letters, ())
    return candidate


def originals(letter: MemoryRecord) -> tuple[Header, ...]:
    return tuple((name.removeprefix("original."), value) for name, value in letter.headers if "original." in name)

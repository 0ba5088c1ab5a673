"""Bad input at both doors of a running deployment: refused with a reason, or set aside with the same one.

At the HTTP door the sender hears of it. What a channel writes into an inbox itself is set aside behind it, with its
coordinates, its bytes and its reason. Neighbours go on, and nothing is lost.
"""

import asyncio
import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import parts
from shared.broker import Outgoing
from shared.contracts.values import format_time, to_micros
from shared.topics import inbox, partition_of
from tests.binary_mode import data_of, http_headers, kafka_headers
from tests.raw_names import RawName, send_together
from tests.system.chain import Chain, deployment

pytestmark = pytest.mark.system

PARTITIONS = 2
RETENTION = inbox("retention")
SINGLE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
NOW = datetime.now(UTC)


def event(id_: str = "order-1", subject: str = "anna", **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": id_, "source": "web-shop", "type": "tenure.purchase.v1", "subject": subject,
        "time": format_time(NOW), "data": {"amount_minor": 1999, "currency": "EUR"}, **changes,
    }  # fmt: skip


def purchase(**data: Any) -> dict[str, Any]:
    return event(data={"amount_minor": 1999, "currency": "EUR", **data})


def raw(document: Any) -> bytes:
    return json.dumps(document).encode()


@dataclass(frozen=True)
class Bad:
    """What is sent, and what is said of it."""

    value: bytes
    code: str
    path: str
    status: int = 422


BAD = {
    "not JSON": Bad(b"{'id': 1}", "not-json", "", 400),
    "not UTF-8": Bad(raw(event()).replace(b"order-1", b"order-\xff"), "not-json", "", 400),
    "a list": Bad(b"[1]", "not-json", "", 400),
    "no data": Bad(raw(event(data=None)), "invalid-data", "data"),
    "a field that does not exist": Bad(raw(purchase(discount=5)), "invalid-data", "data.discount"),
    "no id": Bad(raw(event(id=None)), "invalid-envelope", "id"),
    "an unknown type": Bad(raw(event(type="tenure.party.v1")), "unknown-type", "type"),
    "a fact of ours": Bad(raw(event(type="tenure.purchase-recorded.v1")), "unknown-type", "type"),
    "a source of ours": Bad(raw(event(source="tenure/retention")), "source-reserved", "source"),
    "an amount as a float": Bad(raw(purchase(amount_minor=19.99)), "invalid-data", "data.amount_minor"),
    "an amount as a whole float": Bad(raw(purchase(amount_minor=1999.0)), "invalid-data", "data.amount_minor"),
    "an amount below zero": Bad(raw(purchase(amount_minor=-1)), "invalid-data", "data.amount_minor"),
    "a time without zone": Bad(raw(event(time="2026-01-31T11:00:00")), "invalid-envelope", "time"),
    "a time as a number": Bad(raw(event(time=1_769_853_600)), "invalid-envelope", "time"),
    "a time in the future": Bad(raw(event(time=format_time(NOW + timedelta(days=1)))), "time-in-future", "time"),
    "a time long ago": Bad(raw(event(time="1997-01-01T00:00:00Z")), "too-old", "time"),
    "2 MiB": Bad(raw(purchase(product="x" * 2 * 1024 * 1024)), "too-large", "", 413),
    "an empty customer id": Bad(raw(event(subject="")), "invalid-envelope", "subject"),
    "a customer id of 10,000 characters": Bad(raw(event(subject="x" * 10_000)), "invalid-envelope", "subject"),
    "a customer id with a control character": Bad(raw(event(subject="a\x07b")), "invalid-envelope", "subject"),
    "a customer id with a NUL": Bad(raw(event(subject="a\0b")), "invalid-envelope", "subject"),
}


@dataclass(frozen=True)
class Written:
    """A record that was put into an inbox past the HTTP door, and where it stands."""

    value: bytes | None
    key: bytes | None
    partition: int
    offset: int = -1
    headers: tuple[tuple[str, bytes], ...] = ()
    at: datetime | None = None  # by the producer's clock; none: now


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with deployment(tmp_path_factory.mktemp("state"), history=False, partitions=PARTITIONS, tick_s=1) as chain:
        yield chain


@pytest.fixture(scope="module")
def door(chain: Chain) -> Iterator[httpx.Client]:
    key = {"Authorization": f"Bearer {chain.stack.key}"}
    with httpx.Client(base_url=chain.stack.gateway_url, headers=key, timeout=60, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("name", BAD)
def test_the_door_refuses_it_with_path_and_reason(door: httpx.Client, name: str) -> None:
    bad = BAD[name]
    answer = post(door, bad.value)
    problem = answer.json()
    assert (bad.status, bad.code) == (answer.status_code, problem["code"])
    assert "application/problem+json" == answer.headers["Content-Type"]
    assert problem["detail"]
    if bad.path:
        assert bad.path in [wrong["path"] for wrong in problem["problems"]]


def test_the_door_refuses_it_between_others_and_takes_the_others(chain: Chain, door: httpx.Client) -> None:
    good = [event(f"between-{n}", f"between-{n}") for n in range(len(BAD) + 1)]
    mixed = [raw(good[0])]
    for bad, behind in zip(BAD.values(), good[1:], strict=True):
        mixed += [bad.value, raw(behind)]
    answer = post(door, b"[" + b",".join(mixed) + b"]", BATCH)
    results = answer.json()["results"]
    assert 207 == answer.status_code
    assert ["accepted", "refused"] * len(BAD) + ["accepted"] == [result["status"] for result in results]
    assert [bad.code for bad in BAD.values()] == [result["problem"]["code"] for result in results[1::2]]
    assert_all_are_recorded(chain, good)


def test_behind_the_door_each_is_set_aside_with_the_same_reason_and_its_neighbours_are_recorded(chain: Chain) -> None:
    own = place(event())
    beside = (f"beside-{n}" for n in count() if partition_of(f"beside-{n}", PARTITIONS) == own.partition)
    good = [event(subject, subject) for subject in islice(beside, len(BAD))]
    bad = [Written(bad.value, own.key, own.partition) for bad in BAD.values()]
    written = write(chain, [record for pair in zip(map(place, good), bad, strict=True) for record in pair])
    chain.settle()
    letters = letters_of(chain)
    for name, record in zip(BAD, written[1::2], strict=True):
        letter = letters[record.partition, record.offset]
        assert (name, BAD[name].code) == (name, letter["code"])
        assert BAD[name].path in [wrong["path"] for wrong in letter["problems"]]
        assert all(wrong["reason"] for wrong in letter["problems"])
        assert value_of(letter) == record.value
    assert not any((record.partition, record.offset) in letters for record in written[::2])
    assert_all_are_recorded(chain, good)


def test_a_record_in_a_place_that_is_not_its_customers_is_set_aside(chain: Chain) -> None:
    own = place(event("misplaced-1", "misplaced"))
    [partition, key, keyless, empty, behind] = write(
        chain,
        [
            Written(own.value, own.key, 1 - own.partition),
            Written(own.value, b"somebody-else", own.partition),
            Written(own.value, None, own.partition),
            Written(None, own.key, own.partition),
            place(event("misplaced-2", "misplaced")),
        ],
    )
    chain.settle()
    letters = letters_of(chain)
    for record in (partition, key, keyless):
        letter = letters[record.partition, record.offset]
        assert "wrong-partition" == letter["code"]
        assert f"its partition {own.partition} (murmur2" in letter["problems"][0]["reason"]
    assert "no-value" == letters[empty.partition, empty.offset]["code"]
    assert (behind.partition, behind.offset) not in letters
    assert ["misplaced-2"] == ids_on_timeline(chain, "misplaced")


def test_a_header_whose_name_is_no_utf8_stops_nobody_and_is_kept_with_what_is_set_aside(chain: Chain) -> None:
    own, behind = place(event("odd-name-1", "odd-name")), place(event("odd-name-2", "odd-name"))
    odd = ((RawName(b"\xff"), b"said"),)
    away = [Outgoing(RETENTION, 1 - own.partition, own.key, own.value, odd)]
    here = [Outgoing(RETENTION, own.partition, one.key, one.value, odd) for one in (own, behind)]
    now_ms = to_micros(NOW) // 1000
    [offset, _] = [asyncio.run(send_together(chain.stack.kafka, records, at_ms=now_ms)) for records in (away, here)]
    chain.settle()
    letter = letters_of(chain)[1 - own.partition, offset]
    assert "wrong-partition" == letter["code"]
    assert "original.\ufffd" in {header["name"] for header in letter["headers"]}
    assert ["odd-name-1", "odd-name-2"] == ids_on_timeline(chain, "odd-name")


def test_an_id_used_again_with_other_content_is_set_aside_and_the_first_stays(chain: Chain, door: httpx.Client) -> None:
    first, other = purchase(), purchase(amount_minor=5)
    for one in (first, other, first):
        assert 202 == post(door, raw({**one, "id": "again", "subject": "again"})).status_code
    chain.settle()
    [letter] = [letter for letter in letters_of(chain).values() if letter["code"] == "id-used-again"]
    assert ("id", 5) == (letter["problems"][0]["path"], json.loads(letter["value"])["data"]["amount_minor"])
    [told] = chain.timelines(["again"], type="purchase-recorded")["again"]
    assert 1999 == told["data"]["amount_minor"]


def test_an_event_whose_attributes_stand_in_headers_is_the_same_event_at_both_doors(
    chain: Chain, door: httpx.Client
) -> None:
    said, other = event("both", "both"), event("both", "both", data={"amount_minor": 5, "currency": "EUR"})
    answer = door.post("/v1/events", content=data_of(said), headers=http_headers(said))
    assert 202 == answer.status_code, answer.text
    home = place(said)
    in_headers = [replace(home, value=data_of(one), headers=kafka_headers(one)) for one in (said, other)]
    [_, set_aside, _] = write(chain, [*in_headers, home])
    assert_all_are_recorded(chain, [said])
    letter = letters_of(chain)[set_aside.partition, set_aside.offset]
    assert ("id-used-again", data_of(other)) == (letter["code"], value_of(letter))
    assert {f"original.{name}" for name, _ in set_aside.headers} <= {header["name"] for header in letter["headers"]}


def test_what_a_channel_writes_wrongly_in_headers_is_mended_by_a_redrive(chain: Chain) -> None:
    said = event("misplaced-headers", "misplaced-headers")
    home = place(said)
    [away] = write(chain, [Written(data_of(said), home.key, 1 - home.partition, headers=kafka_headers(said))])
    chain.settle()
    assert "wrong-partition" == letters_of(chain)[away.partition, away.offset]["code"]
    chain.tenure("redrive", "--customer", said["subject"])
    assert_all_are_recorded(chain, [said])


def test_a_record_that_its_producer_dates_a_year_ahead_is_set_aside_and_nobody_lapses(chain: Chain) -> None:
    year = timedelta(days=365)
    ahead = event("fast", "fast", time=format_time(NOW + year))
    written = write(chain, [replace(place(ahead), at=NOW + year), place(event("slow", "fast"))])
    assert_all_are_recorded(chain, [event("slow", "fast")])
    letter = letters_of(chain)[written[0].partition, written[0].offset]
    assert "record-time-ahead" == letter["code"]
    assert [] == chain.timelines(["fast"], type="lapsed")["fast"]


def test_after_all_of_it_every_service_is_ready_and_the_books_balance(chain: Chain) -> None:
    assert chain.stack.alive()
    assert all(parts.ready(service, chain.stack.deployment) for service in parts.SERVICES)
    books = chain.audit()
    assert (True, 0) == (books["balanced"], books["in_flight"])
    assert len(letters_of(chain)) == sum(account["dead_lettered"] for account in books["channels"])


def post(door: httpx.Client, content: bytes, kind: str = SINGLE) -> httpx.Response:
    return door.post("/v1/events", content=content, headers={"Content-Type": kind})


def place(document: dict[str, Any]) -> Written:
    """Where a channel has to put it."""
    return Written(raw(document), document["subject"].encode(), partition_of(document["subject"], PARTITIONS))


def write(chain: Chain, records: Sequence[Written]) -> list[Written]:
    """Into retention's inbox, in this order."""

    async def all_of_them() -> list[Written]:
        async with AIOKafkaProducer(bootstrap_servers=chain.stack.kafka, max_request_size=8 << 20) as producer:
            sent = [
                await producer.send_and_wait(
                    RETENTION, r.value, r.key, r.partition, r.at and to_micros(r.at) // 1000, list(r.headers)
                )
                for r in records
            ]
            return [replace(r, offset=at.offset) for r, at in zip(records, sent, strict=True)]

    return asyncio.run(all_of_them())


def letters_of(chain: Chain) -> dict[tuple[int, int], dict[str, Any]]:
    """(partition, offset) in retention's inbox -> what `tenure dead-letters` says of it."""
    said = chain.tenure("dead-letters", "--service", "retention", "--json")
    assert said.returncode == 0, said.stderr
    letters = [json.loads(line) for line in said.stdout.splitlines()]
    assert {RETENTION} == {letter["topic"] for letter in letters}
    return {(letter["partition"], letter["offset"]): letter for letter in letters}


def value_of(letter: dict[str, Any]) -> bytes:
    return letter["value"].encode() if "value" in letter else base64.b64decode(letter["value_base64"])


def assert_all_are_recorded(chain: Chain, events: Sequence[dict[str, Any]]) -> None:
    chain.settle()
    assert [[one["id"]] for one in events] == [ids_on_timeline(chain, one["subject"]) for one in events]


def ids_on_timeline(chain: Chain, customer: str) -> list[str]:
    items = chain.timelines([customer], type="purchase-recorded")[customer]
    return [item["input"].partition("|")[2] for item in items]

"""What goes back is what was set aside, byte for byte, once, and only if it would be taken; what is parked is found."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cli.books.findings import Place
from cli.dead_letters import Letter, letter_of
from cli.redriving.letters import Candidate, Examiner, without_known
from cli.redriving.parked import ParkedBook, command, outcome_of
from shared.contracts.catalogue import inbox_types
from shared.contracts.envelope import read_inbound
from shared.settings import TimeSource
from shared.topics import dead_letters, partition_of
from tests.wiring.deciding import INBOX, SERVICE, Deployment, day, purchase, redrive

HOME = partition_of("anna", 2)


def examined(*letters: Letter, redriven: tuple[Place, ...] = (), time: TimeSource = TimeSource.WALL) -> list[Candidate]:
    return Examiner(partitions=2, time=time, now=day(0)).examine(letters, redriven)


async def set_aside(*records: dict[str, Any]) -> list[Letter]:
    """What the service made dead letters of. A record: `value`, and where it was put if not where it belongs."""
    retention = Deployment(partitions=2)
    for record in records:
        retention.send(record.pop("value"), **record)
    await (await retention.owner()).read_all()
    return [letter_of(record) for record in retention.broker.records(dead_letters(SERVICE))]


async def test_a_record_from_the_wrong_partition_goes_where_it_belongs_with_its_bytes_and_key() -> None:
    [candidate] = examined(*await set_aside({"value": (raw := purchase("1")), "partition": 1 - HOME}))
    record = candidate.record()
    assert (INBOX, HOME, b"anna", raw) == (record.topic, record.partition, record.key, record.value)
    assert (("redriven-from", f"{INBOX}/{1 - HOME}/0".encode()),) == record.headers


async def test_what_time_has_mended_goes_back() -> None:
    [letter] = await set_aside({"value": purchase("1", on=1)})
    early = Examiner(partitions=2, time=TimeSource.WALL, now=day(0)).examine([letter], ())
    later = Examiner(partitions=2, time=TimeSource.WALL, now=day(1)).examine([letter], ())
    assert early[0].obstacle is not None
    assert "time-in-future" in early[0].obstacle
    assert later[0].obstacle is None


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"value": b"not JSON"}, "would be refused again: not-json: not JSON in UTF-8"),
        ({"value": None}, "would be refused again: no-value"),
        (
            {"value": purchase("1"), "key": b"bert"},
            "would be refused again: wrong-partition: subject: the record's key",
        ),
        ({"value": purchase("1"), "key": b"\xff"}, "would be refused again: wrong-partition"),
    ],
    ids=["not JSON", "no value", "another's key", "a key that is no text"],
)
async def test_what_would_be_refused_again_is_said_and_not_sent(record: dict[str, Any], reason: str) -> None:
    [candidate] = examined(*await set_aside(dict(record)))
    assert candidate.obstacle is not None
    assert candidate.obstacle.startswith(reason)
    assert not candidate.settled


async def test_what_was_sent_again_before_stays() -> None:
    [letter] = await set_aside({"value": purchase("1"), "partition": 1 - HOME})
    [candidate] = examined(letter, redriven=(Place(INBOX, 1 - HOME, 0),))
    assert ("was sent again before", True) == (candidate.obstacle, candidate.settled)


async def test_letters_go_back_in_the_order_in_which_they_stood() -> None:
    letters = await set_aside(*({"value": purchase(f"{n}"), "partition": 1 - HOME} for n in range(3)))
    assert [0, 1, 2] == [candidate.place.offset for candidate in examined(*reversed(letters))]


async def test_a_cause_goes_back_once_and_not_at_all_if_it_is_recorded_by_now() -> None:
    values = purchase("1"), purchase("1"), purchase("2"), purchase("3"), purchase("1", amount=7)
    candidates = examined(*await set_aside(*({"value": raw, "partition": 1 - HOME} for raw in values)))
    digests = {("anna", "shop|2"): digest(purchase("2")), ("anna", "shop|3"): digest(purchase("3", amount=7))}
    found = [candidate.obstacle for candidate in without_known(candidates, digests)]
    assert [None, "is sent already, by an earlier copy", "is recorded by now"] == found[:3]
    refused = "would be refused again: id-used-again: shop|{} was sent before with other content; it needs a new id"
    assert [refused.format(3), refused.format(1)] == found[3:]


def digest(raw: bytes) -> str:
    return read_inbound(raw, inbox_types(SERVICE)).digest


async def test_what_stood_in_the_log_has_no_inbox_to_go_back_to() -> None:
    [letter] = await set_aside({"value": b"x"})
    [candidate] = examined(replace(letter, topic="customer.events"))
    assert "did not come from an inbox" == candidate.obstacle


async def test_what_is_parked_is_found_in_order_until_it_is_released() -> None:
    retention = Deployment()
    retention.rules.broken = {"shop|1"}
    retention.send(purchase("1"), purchase("2"), redrive("r"))
    member = await retention.owner()
    await member.read_all()
    parked = (await book_of(retention)).customers["anna"]
    assert ["shop|1", "shop|2"] == list(parked)
    assert day(0) == parked["shop|1"].at
    assert "still failing: ValueError: no rule for shop|1 after ()" == (await outcome(retention, "r")).note
    retention.rules.broken = {"shop|2"}
    retention.send(redrive("s"))
    await member.read_all()
    assert ({"shop|1"}, None) == ((await outcome(retention, "s")).released, (await outcome(retention, "s")).note)
    assert ["shop|2"] == list((await book_of(retention)).customers["anna"])
    retention.rules.broken = set()
    retention.send(redrive("t"))
    await member.read_all()
    assert {} == (await book_of(retention)).customers


async def book_of(retention: Deployment) -> ParkedBook:
    book = ParkedBook()
    async for commit in retention.store.scan():
        book.take(commit)
    return book


async def outcome(retention: Deployment, id_: str) -> Any:
    cause = ("anna", f"tenure/redrive|{id_}")
    return outcome_of((await retention.store.find_causes({cause}))[cause])


async def test_the_command_is_taken_by_a_service_and_says_who_sent_it() -> None:
    retention = Deployment()
    retention.send(raw := command("id", "anna", day(0)))
    await (await retention.owner()).read_all()
    assert ["tenure/redrive|id"] == await retention.stored()
    assert "tenure.redrive.v1" == json.loads(raw)["type"]

"""What a channel may write to an inbox in other ways than a structured event: it counts once, as what it is."""

import json

import pytest

from tests.binary_mode import data_of, kafka_headers
from tests.unit.test_books import Read, figures
from tests.wiring.deciding import Deployment, day, purchase


async def test_a_record_in_binary_mode_counts_like_any_other() -> None:
    retention = Deployment()
    document = json.loads(purchase("1"))
    for said in (document, document, {**document, "time": "2026-01-01T00:00:01Z"}, {**document, "type": "no"}):
        retention.send(data_of(said), headers=kafka_headers(said))
    retention.send(purchase("1"))
    await (await retention.owner()).read_all()
    books = (await Read.of(retention)).books
    assert [] == books.findings.first
    assert {"received": 5, "recorded": 1, "duplicate": 2, "dead_lettered": 2} == figures(books)


async def test_a_tick_that_was_set_aside_is_still_nobodys_event() -> None:
    retention = Deployment()
    member = await retention.owner()
    retention.now = day(365)
    await member.processor.tick()
    retention.send(purchase("ahead", on=365))
    retention.now = day(0)
    await member.read_all()
    read = await Read.of(retention)
    assert (2, []) == (len(read.letters), read.findings)
    assert {"received": 1, "dead_lettered": 1} == figures(read.books)


@pytest.mark.parametrize("depth", [40, 5_000, 100_000])
async def test_a_record_nested_too_deeply_is_read_by_nobody_and_counted(depth: int) -> None:
    retention = Deployment()
    retention.send(purchase("1")[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}")
    await (await retention.owner()).read_all()
    books = (await Read.of(retention)).books
    assert ([], 1) == (books.findings.first, sum(account.dead_lettered for account in books.channels))

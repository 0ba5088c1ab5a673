"""What the command reads from a topic is all that is there, and nobody else's position moves."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer

from cli.dead_letters import read_letters
from cli.errors import CliError
from cli.topic_reader import read_from_now, read_to_end
from deploy.local.stack import LocalStack
from shared.broker import Record
from shared.topics import ALERTS, CUSTOMER_EVENTS, dead_letters
from tests.system.ground import Ground

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def servers(on: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Broker and database of each kind."""
    with LocalStack(tmp_path_factory.mktemp("state"), free_ports=True, partitions=2, services=(), **on) as stack:
        yield stack


async def test_everything_is_read_to_the_end_also_of_many_batches_and_empty_partitions(servers: LocalStack) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka) as producer:
        for number in range(2_500):
            await producer.send(CUSTOMER_EVENTS, str(number).encode() * 20, partition=1)
        await producer.flush()
    read: list[Record] = []
    await read_to_end(servers.kafka, [CUSTOMER_EVENTS, "no.such-topic"], read.append)
    assert list(range(2_500)) == [record.offset for record in read]


async def test_an_empty_topic_has_an_end(servers: LocalStack) -> None:
    assert [] == await read_letters(servers.kafka, "analytics")


async def test_a_dead_letter_is_read_once_whatever_its_copies(servers: LocalStack) -> None:
    reason = json.dumps({"code": "not-json", "problems": [{"path": "", "reason": "expected JSON"}]}).encode()
    headers = [("reason", reason), ("topic", b"retention.inbox"), ("partition", b"1"), ("offset", b"8")]
    large = b"{" * 2_000_000
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka, max_request_size=8_000_000) as producer:
        for _ in range(2):
            await producer.send_and_wait(dead_letters("retention"), large, key=b"c-1", headers=headers)
    [letter] = await read_letters(servers.kafka)
    assert ("not-json", 8, b"c-1", large) == (letter.code, letter.offset, letter.key, letter.value)


async def test_a_service_that_sets_nothing_aside_is_named(servers: LocalStack) -> None:
    with pytest.raises(CliError, match="those that do are acquisition"):
        await read_letters(servers.kafka, "gateway")


async def test_following_gives_what_comes_and_not_what_was(servers: LocalStack) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka) as producer:
        await producer.send_and_wait(ALERTS, b"old", partition=0)
        await _settled(servers)
        following = read_from_now(servers.kafka, ALERTS)
        first = asyncio.ensure_future(anext(following))
        while not first.done():  # the reader says by its first record that it has begun; until then there is a new one
            await producer.send_and_wait(ALERTS, b"new", partition=0)
            await asyncio.wait([first], timeout=0.1)
        assert b"new" == first.result().value
        await following.aclose()


async def test_following_a_topic_that_is_none_says_so(servers: LocalStack) -> None:
    with pytest.raises(CliError, match="There is no topic"):
        await anext(read_from_now(servers.kafka, "no.such-topic"))


async def _settled(servers: LocalStack) -> None:
    """Until the broker's own answer about the end of a topic has caught up."""
    read: list[Record] = []
    await read_to_end(servers.kafka, [ALERTS], read.append)

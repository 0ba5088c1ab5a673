"""What every broker promises to those who publish and read."""

import time
from collections.abc import Sequence
from uuid import uuid4

import pytest

from shared.broker import Outgoing, OwnershipLost, Record, TopicPartition
from tests.contract.conftest import BrokerUnderTest, Reader


def outgoing(topic: str, *values: bytes, partition: int = 0) -> list[Outgoing]:
    return [Outgoing(topic, partition, b"key", value) for value in values]


def numbers(count: int) -> list[bytes]:
    return [b"%d" % n for n in range(count)]


async def publish(broker: BrokerUnderTest, *groups: Sequence[Outgoing]) -> None:
    await (await broker.publisher()).publish(groups)


async def values_in(broker: BrokerUnderTest, topic: str, partition: int = 0) -> list[bytes | None]:
    return [r.value for r in await broker.records(TopicPartition(topic, partition))]


async def read(reader: Reader, count: int, *, at_most: int = 1_000) -> list[Record]:
    """Until `count` have come."""
    records: list[Record] = []
    while len(records) < count:
        batch = await reader.fetch(at_most)
        assert batch, f"only {len(records)} of {count} records came"
        records.extend(batch)
    return records


def group() -> str:
    return f"group-{uuid4().hex}"


async def test_what_is_published_is_read_exactly(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(2)
    sent = Outgoing(topic, 1, "ключ".encode(), bytes(range(256)), (("reason", b"\xff"), ("reason", b""), ("x", b"1")))
    await publish(broker, [sent])
    (record,) = await broker.records(TopicPartition(topic, 1))
    received = Outgoing(record.topic, record.partition, record.key, record.value, tuple(record.headers))
    assert (received, record.offset) == (sent, 0)


async def test_a_record_may_have_neither_key_nor_value(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, [Outgoing(topic, 0, None, None)])
    (record,) = await broker.records(TopicPartition(topic, 0))
    assert (record.key, record.value, tuple(record.headers)) == (None, None, ())


async def test_a_record_that_was_dated_has_the_time_that_a_reader_sees(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(2)
    sent = Outgoing(topic, 1, b"key", b"value")
    at = await (await broker.publisher()).date(sent)
    (record,) = await broker.records(TopicPartition(topic, 1))
    assert (sent.value, at) == (record.value, record.timestamp)
    assert abs(at / 1000 - time.time()) < 60


async def test_records_of_a_partition_stand_in_the_order_in_which_they_were_published(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, *(outgoing(topic, value) for value in numbers(1_000)))
    await publish(broker, outgoing(topic, b"last"))
    assert await values_in(broker, topic) == [*numbers(1_000), b"last"]


async def test_groups_for_several_partitions_keep_their_order_in_each(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(3)
    await publish(broker, *(outgoing(topic, b"%d" % n, b"%d again" % n, partition=n % 3) for n in range(30)))
    for partition in range(3):
        expected = [value for n in range(partition, 30, 3) for value in (b"%d" % n, b"%d again" % n)]
        assert await values_in(broker, topic, partition) == expected


async def test_publishing_nothing_is_allowed(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker)
    await publish(broker, [])
    assert await values_in(broker, topic) == []


async def test_a_group_for_two_partitions_is_refused_and_nothing_of_the_call_is_sent(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(2)
    mixed = [*outgoing(topic, b"a"), *outgoing(topic, b"b", partition=1)]
    with pytest.raises(ValueError, match="one topic and partition"):
        await publish(broker, outgoing(topic, b"before"), mixed)
    assert await values_in(broker, topic) == []


async def test_offsets_have_no_gaps(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    for _ in range(3):
        await publish(broker, outgoing(topic, *numbers(5)))
    assert [r.offset for r in await broker.records(TopicPartition(topic, 0))] == list(range(15))


async def test_records_are_dated_in_milliseconds(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, outgoing(topic, b"x"))
    (record,) = await broker.records(TopicPartition(topic, 0))
    assert 1_600_000_000_000 < record.timestamp < 10_000_000_000_000


async def test_a_group_that_never_committed_reads_from_the_beginning(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, outgoing(topic, *numbers(5)))
    reader = await broker.reader(group(), topic)
    assert [r.value for r in await read(reader, 5)] == numbers(5)


async def test_a_reader_has_the_partitions_of_its_topic(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(3)
    reader = await broker.reader(group(), topic)
    assert set(reader.assignment()) == {TopicPartition(topic, n) for n in range(3)}


async def test_every_record_of_every_partition_comes_once_and_in_order(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(3)
    await publish(broker, *(outgoing(topic, *numbers(40), partition=p) for p in range(3)))
    records = await read(await broker.reader(group(), topic), 120, at_most=7)
    for partition in range(3):
        assert [r.value for r in records if r.partition == partition] == numbers(40)


async def test_no_more_than_asked_for_is_handed_over_at_once(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(2)
    await publish(broker, *(outgoing(topic, *numbers(10), partition=p) for p in range(2)))
    reader = await broker.reader(group(), topic)
    assert 1 <= len(await reader.fetch(3)) <= 3


async def test_after_a_takeover_reading_goes_on_from_what_was_committed(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, outgoing(topic, *numbers(10)))
    reader = await broker.reader(group(), topic)
    await read(reader, 10)
    await reader.commit({TopicPartition(topic, 0): 4})
    next_reader = await broker.take_over(reader)
    assert [r.value for r in await read(next_reader, 6)] == numbers(10)[4:]


async def test_a_stale_owner_cannot_commit(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, outgoing(topic, *numbers(10)))
    stale = await broker.reader(group(), topic)
    await read(stale, 10)
    await broker.take_over(stale)
    with pytest.raises(OwnershipLost):
        await stale.commit({TopicPartition(topic, 0): 10})


async def test_seeking_back_reads_again(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, outgoing(topic, *numbers(5)))
    reader = await broker.reader(group(), topic)
    await read(reader, 5)
    reader.seek(TopicPartition(topic, 0), 2)
    assert [r.value for r in await read(reader, 3)] == numbers(5)[2:]


async def test_rewinding_goes_back_to_what_is_committed(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, outgoing(topic, *numbers(5)))
    reader = await broker.reader(group(), topic)
    await read(reader, 5)
    await reader.commit({TopicPartition(topic, 0): 3})
    await reader.rewind([TopicPartition(topic, 0)])
    assert [r.value for r in await read(reader, 2)] == numbers(5)[3:]


async def test_rewinding_without_a_commit_goes_back_to_the_beginning(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, outgoing(topic, *numbers(5)))
    reader = await broker.reader(group(), topic)
    await read(reader, 5)
    await reader.rewind([TopicPartition(topic, 0)])
    assert [r.value for r in await read(reader, 5)] == numbers(5)


async def test_a_paused_partition_is_not_read_until_it_is_resumed(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(2)
    await publish(broker, *(outgoing(topic, *numbers(5), partition=p) for p in range(2)))
    reader = await broker.reader(group(), topic)
    reader.pause(TopicPartition(topic, 0))
    assert {r.partition for r in await read(reader, 5)} == {1}
    reader.resume(TopicPartition(topic, 0))
    assert [(r.partition, r.value) for r in await read(reader, 5)] == [(0, value) for value in numbers(5)]


async def test_seeking_what_is_not_owned_does_nothing(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, outgoing(topic, *numbers(3)))
    reader = await broker.reader(group(), topic)
    reader.seek(TopicPartition(topic, 99), 1)
    reader.pause(TopicPartition(topic, 99))
    reader.resume(TopicPartition(topic, 99))
    assert [r.value for r in await read(reader, 3)] == numbers(3)


async def test_groups_do_not_know_one_another(broker: BrokerUnderTest) -> None:
    topic = await broker.topic(1)
    await publish(broker, outgoing(topic, *numbers(3)))
    first = await broker.reader(group(), topic)
    await read(first, 3)
    await first.commit({TopicPartition(topic, 0): 3})
    assert [r.value for r in await read(await broker.reader(group(), topic), 3)] == numbers(3)

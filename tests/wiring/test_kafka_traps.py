"""What the client libraries do by default loses, skips or reorders records; here it does not."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from shared.broker import Outgoing, OwnershipLost, Record, TopicPartition
from shared.kafka import Unread
from tests.raw_names import RawName, send_together
from tests.wiring.on_kafka import Kafka
from tests.wiring.recording import Recording


async def test_the_handler_receives_the_raw_batch(kafka: Kafka) -> None:
    handler = Recording()
    async with kafka.reading(handler):
        await kafka.send(b"not json", b"", b"\xff")
        await handler.until(lambda: len(handler.values) == 3)
    first = handler.batches[0][0]
    assert (kafka.topic, 0, 0, b"key", b"not json") == (
        first.topic,
        first.partition,
        first.offset,
        first.key,
        first.value,
    )
    assert isinstance(handler.batches[0], tuple)


async def test_a_record_that_cannot_be_decoded_does_not_fail_its_batch(kafka: Kafka) -> None:
    handler = Recording()
    await kafka.send(b"{}", b"\x80 is no UTF-8", b"{}")
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == 3)
    assert [b"{}", b"\x80 is no UTF-8", b"{}"] == handler.values
    assert ["assigned", "handle", "handled"] == handler.calls


async def test_headers_arrive_as_they_were_sent(kafka: Kafka) -> None:
    handler, headers = Recording(), (("traceparent", b"\x80\xff"), ("reason", b""))
    await kafka.publisher.publish([[Outgoing(kafka.topic, 1, None, b"v", headers)]])
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == 1)
    assert headers == tuple(handler.batches[0][0].headers)


async def test_a_header_whose_name_is_no_utf8_stops_nobody(kafka: Kafka) -> None:
    handler, name = Recording(), RawName(b"\xff\xfe")
    together = [Outgoing(kafka.topic, 1, None, b"%d" % n, ((name, b"x"),) if n == 1 else ()) for n in range(3)]
    await send_together(kafka.platform.kafka, together, at_ms=0)
    await kafka.send(b"behind", partition=1)
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == 4)
    assert [b"0", b"1", b"2", b"behind"] == handler.values
    assert [("\ufffd\ufffd", b"x")] == [header for batch in handler.batches for r in batch for header in r.headers]


async def test_a_failing_batch_is_read_again_from_its_first_offset_in_every_partition(kafka: Kafka) -> None:
    failures = 0

    async def fail_once(records: Sequence[Record]) -> None:
        nonlocal failures
        if not failures:
            failures += 1
            assert {0, 1} == {record.partition for record in records}
            raise ConnectionError("the store is away")

    handler = Recording(before=fail_once)
    await kafka.send(b"a0", b"a1", partition=0)
    await kafka.send(b"b0", b"b1", partition=1)
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) >= 4)
    assert 1 == failures
    assert [b"a0", b"a1"] == [value for value in handler.values if value in (b"a0", b"a1")]
    assert [b"b0", b"b1"] == [value for value in handler.values if value in (b"b0", b"b1")]


async def test_records_are_not_handed_over_before_the_assignment_has_been_loaded(kafka: Kafka) -> None:
    loaded, waiting = asyncio.Event(), asyncio.Event()

    async def load() -> None:
        waiting.set()
        await loaded.wait()

    handler = Recording(loading=load)
    await kafka.send(b"early")
    async with kafka.reading(handler):
        await waiting.wait()
        async with kafka.reading(other := Recording()):
            await other.until(lambda: len(other.values) == 1)  # it is there, and time enough has passed to hand it over
        assert [] == handler.calls
        loaded.set()
        await handler.until(lambda: len(handler.values) == 1)


async def test_a_commit_never_passes_what_the_handler_said(kafka: Kafka) -> None:
    group = f"group-{uuid4().hex}"
    first, second = Recording(answers=lambda _: {TopicPartition(kafka.topic, 0): 1}), Recording()
    await kafka.send(b"done", b"held", b"held too")
    async with kafka.reading(first, group=group):
        await first.until(lambda: len(first.values) == 3)
    async with kafka.reading(second, group=group):
        await second.until(lambda: len(second.values) == 2)
    assert [b"held", b"held too"] == second.values


async def test_where_the_handler_says_so_reading_starts_there_and_not_at_the_committed_offset(kafka: Kafka) -> None:
    await kafka.send(b"0", b"1", b"2")
    handler = Recording(starts={TopicPartition(kafka.topic, 0): 2})
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == 1)
    assert [b"2"] == handler.values


async def test_a_rewind_goes_back_to_a_committed_offset_of_zero(kafka: Kafka) -> None:
    """aiokafka's own `seek_to_committed` passes over 0, and reading would go on behind what was fetched."""
    place = TopicPartition(kafka.topic, 0)
    handler = Recording(answers=lambda _: {place: 0})
    await kafka.send(b"again")
    async with kafka.reading(handler) as reader:
        await handler.until(lambda: len(handler.values) == 1)
        await reader.position.rewind([place])
        await handler.until(lambda: len(handler.values) == 2)
    assert [b"again", b"again"] == handler.values


async def test_a_partition_never_read_before_is_read_from_the_earliest(kafka: Kafka) -> None:
    handler = Recording()
    await kafka.send(b"sent before anybody listened", partition=1)
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == 1)
    assert [b"sent before anybody listened"] == handler.values


async def test_a_full_partition_waits_and_the_others_go_on(kafka: Kafka) -> None:
    full = TopicPartition(kafka.topic, 0)
    handler = Recording(closed={full})
    await kafka.send(b"waits", partition=0)
    async with kafka.reading(handler):
        await kafka.send(b"goes on", partition=1)
        await handler.until(lambda: len(handler.values) == 1)
        assert [b"goes on"] == handler.values
        handler.closed = set()
        await kafka.send(b"and opens it", partition=1)
        await handler.until(lambda: len(handler.values) == 3)
    assert b"waits" in handler.values


async def test_stopping_finishes_the_batch_in_flight(kafka: Kafka) -> None:
    group, begun, may_end = f"group-{uuid4().hex}", asyncio.Event(), asyncio.Event()

    async def slowly(_: Sequence[Record]) -> None:
        begun.set()
        await may_end.wait()

    first, second = Recording(before=slowly), Recording()
    await kafka.send(b"in flight")
    async with kafka.reading(first, group=group):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.5, may_end.set)  # while the block's end is waiting for it
    await kafka.send(b"next")
    async with kafka.reading(second, group=group):
        await second.until(lambda: len(second.values) == 1)
    assert ([b"in flight"], [b"next"]) == (first.values, second.values)


async def test_a_second_member_takes_over_only_after_the_batch_in_flight_is_committed(kafka: Kafka) -> None:
    group, begun, may_end = f"group-{uuid4().hex}", asyncio.Event(), asyncio.Event()

    async def slowly(_: Sequence[Record]) -> None:
        begun.set()
        await may_end.wait()

    first, second = Recording(before=slowly), Recording()
    await kafka.send(b"once", partition=0)
    await kafka.send(b"once", partition=1)
    async with kafka.reading(first, group=group):
        await begun.wait()
        joining = asyncio.create_task(_joined(kafka, second, group))
        await first.until(lambda: "handle" in first.calls)
        asyncio.get_running_loop().call_later(1.0, may_end.set)
        await joining
    assert [b"once", b"once"] == [*first.values, *second.values]


async def test_a_stale_owner_is_told_that_its_partitions_are_gone(kafka: Kafka) -> None:
    handler, group = Recording(), f"group-{uuid4().hex}"
    async with kafka.reading(handler, group=group) as reader:
        await handler.until(lambda: "assigned" in handler.calls)
        with pytest.raises(OwnershipLost):
            await reader.position.commit({TopicPartition("another", 0): 1})
    with pytest.raises(OwnershipLost):
        reader.position.pause(TopicPartition(kafka.topic, 0))


async def test_what_has_not_been_read_is_known_from_the_broker(kafka: Kafka) -> None:
    handler = Recording()
    async with kafka.reading(handler) as reader:
        await handler.until(lambda: "assigned" in handler.calls)
        await kafka.send(b"read", partition=1)
        await handler.until(lambda: len(handler.values) == 1)
        assert Unread(1, 0) == (await reader.unread())[TopicPartition(kafka.topic, 1)]
        assert reader.broken() is None
        assert reader.joined


async def _joined(kafka: Kafka, handler: Recording, group: str) -> None:
    async with kafka.reading(handler, group=group):
        await handler.until(lambda: "assigned" in handler.calls)

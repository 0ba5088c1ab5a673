"""A record is decoded whatever the names of its headers are made of, and its neighbours with it."""

from collections.abc import Sequence

import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from shared.kafka_records import ReadableRecords
from tests.raw_names import RawName, plain_builder

NOTHING, GZIP, LZ4 = 0, 1, 3
names = st.binary(max_size=8)
batches = st.lists(st.lists(names, max_size=3), min_size=1, max_size=6)


def batch_of(headers: Sequence[Sequence[bytes]], base: int, compression: int) -> bytes:
    builder = plain_builder(compression)
    for number, named in enumerate(headers):
        at, value = 1_000 + number, b"value %d" % number
        builder.append(number, at, b"key", value, [(RawName(name), b"said") for name in named])
    data = bytearray(builder.build())
    data[:8] = base.to_bytes(8, "big")
    return bytes(data)


@pytest.mark.parametrize("compression", [NOTHING, GZIP, LZ4])
@given(first=batches, second=batches)
def test_every_record_comes_with_its_headers_and_only_what_is_no_utf8_is_replaced(
    compression: int, first: Sequence[Sequence[bytes]], second: Sequence[Sequence[bytes]]
) -> None:
    records = ReadableRecords(batch_of(first, 7, compression) + batch_of(second, 7 + len(first), compression))
    read = []
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        read += list(batch)
    assert [7 + n for n in range(len(first) + len(second))] == [record.offset for record in read]
    sent = [(b"value %d" % n, [name.decode(errors="replace") for name in names]) for n, names in both(first, second)]
    assert sent == [(record.value, [name for name, _ in record.headers]) for record in read]


def test_a_batch_that_has_not_come_whole_is_left_for_the_next_fetch() -> None:
    whole = batch_of([[b"\xff"]], 0, NOTHING)
    records = ReadableRecords(whole + whole[:-1])
    records.next_batch()
    assert not records.has_next()
    assert MemoryRecords(whole + whole[:-1]).size_in_bytes() == records.size_in_bytes()


def both(*batches: Sequence[Sequence[bytes]]) -> list[tuple[int, Sequence[bytes]]]:
    return [numbered for headers in batches for numbered in enumerate(headers)]

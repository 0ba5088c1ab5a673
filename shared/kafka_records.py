"""Records that anybody may have written, decoded so that none of them can stop a reader.

Kafka takes any bytes as a header's name. aiokafka decodes names as strict UTF-8 and raises in the middle of a fetch,
again at every attempt: nothing behind such a record would ever be read. Here, as in Kafka's own client, what cannot be
decoded is replaced by U+FFFD, and the record goes on to where it is judged like any other.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy as PlainBatch
from aiokafka.record.memory_records import MemoryRecords

LENGTH = struct.Struct(">8xi")  # of what follows it, behind the base offset at the head of every batch


def read_any_header() -> None:
    """From now on, in every consumer of this process. The client has no setting for it, and no place to set in."""
    fetcher.MemoryRecords = ReadableRecords


class ReadableRecords:
    """aiokafka's MemoryRecords over what was fetched of one partition."""

    def __init__(self, data: bytes) -> None:
        self._data, self._start = memoryview(data), 0
        self._records = MemoryRecords(data)
        self.has_next, self.size_in_bytes = self._records.has_next, self._records.size_in_bytes

    def next_batch(self) -> "ReadableBatch":
        start = self._start
        self._start += LENGTH.size + LENGTH.unpack_from(self._data, start)[0]
        return ReadableBatch(self._records.next_batch(), self._data[start : self._start])


class ReadableBatch:
    """A batch as the client's fast decoder reads it, and from where that fails on as its plain one does."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch, self._data = batch, data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                yield record
                read += 1
        except UnicodeDecodeError:
            yield from islice(self._plainly(), read, None)

    def _plainly(self) -> Iterator[Any]:
        records = PlainBatch(self._data)
        iter(records)  # uncompresses
        records._buffer = Replacing(records._buffer)
        yield from records


class Replacing(bytearray):
    """Decodes whatever it holds."""

    def __getitem__(self, place: Any) -> Any:
        part = super().__getitem__(place)
        return Replacing(part) if isinstance(place, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)

"""Records with header names of arbitrary bytes, as clients in other languages write them and aiokafka's cannot."""

from collections.abc import Iterable
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as PlainBuilder

from shared.broker import Outgoing


class RawName(str):
    """Is encoded to exactly the bytes it was made of."""

    raw: bytes

    def __new__(cls, raw: bytes) -> Self:
        name = super().__new__(cls, raw.decode(errors="replace"))
        name.raw = raw
        return name

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self.raw


def plain_builder(compression: int = 0) -> Any:
    """The one that looks no closer at a name than `encode`."""
    return PlainBuilder(
        magic=2, compression_type=compression, is_transactional=False, producer_id=-1, producer_epoch=-1,
        base_sequence=-1, batch_size=1 << 20,
    )  # fmt: skip


async def send_together(kafka: str, records: Iterable[Outgoing], *, at_ms: int) -> int:
    """In one produce batch to the place of the first. Returns the offset of the first."""
    first, *_ = records = list(records)
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        batch = producer.create_batch()
        batch._builder = plain_builder()
        for record in records:
            batch.append(timestamp=at_ms, key=record.key, value=record.value, headers=list(record.headers))
        sent = await (await producer.send_batch(batch, first.topic, partition=first.partition))
    return int(sent.offset)

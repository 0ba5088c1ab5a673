"""What does it cost to read the log and validate its records, and nothing else? The measure that analytics is held to.

A process of its own: `python -m tests.bench.floor ADDRESS PARTITIONS RECORDS RESULT`. The loop is the one that somebody
with aiokafka and pydantic would write: no group, no state, no output; one validated model a record, and then the next.
"""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.topics import CUSTOMER_EVENTS
from tests.bench.plain import validator
from tests.bench.usage import Measured, Tally

MAX_RECORDS = 2000  # of one batch, as analytics has it
WAIT_MS = 1000
PARTITION_FETCH_BYTES = 4 * 1024 * 1024


async def read(address: str, partitions: int, records: int) -> Measured:
    """Raises pydantic's ValidationError."""
    validate, tally = validator().validate_json, Tally(records)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(CUSTOMER_EVENTS, number) for number in range(partitions)])
        read_all = False
        while not read_all:
            batch = await consumer.getmany(timeout_ms=WAIT_MS, max_records=MAX_RECORDS)
            for of_partition in batch.values():
                for record in of_partition:
                    validate(record.value)
            read_all = tally.add(sum(map(len, batch.values())))
    finally:
        await consumer.stop()
    return tally.measured()


def main() -> None:
    address, partitions, records, result = sys.argv[1:]
    measured = asyncio.run(read(address, int(partitions), int(records)))
    Path(result).write_text(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()

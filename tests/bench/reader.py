"""A reader of the log exactly as it runs in production, measured from inside: from its first batch to its last save.

A process of its own: `python -m tests.bench.reader SERVICE RECORDS RESULT`, with the settings of the service in its
environment. It is the service's own process but for one counter around the handler. It ends itself when all is read; if
it was made to read anything again there is no result, for the figure would be of something else.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

import structlog

from shared import runtime
from shared.broker import Record, TopicPartition
from shared.runtime import Create, Reading, Service
from shared.settings import Platform
from tests.bench.usage import Tally

log = structlog.get_logger()


class Metered:
    """A `Handler` around a reading's own. Its periodic work (a save) belongs to the price: it is done once more at the
    end."""

    def __init__(self, reading: Reading, records: int, result: Path) -> None:
        self._reading, self._result = reading, result
        self._tally = Tally(records)

    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        if self._tally.seen:
            log.error("measurement_spoilt", reason="records are read once more", seen=self._tally.seen)
            os.kill(os.getpid(), signal.SIGTERM)
        return await self._reading.handler.assigned(partitions)

    def full(self) -> Collection[TopicPartition]:
        return self._reading.handler.full()

    async def handle(self, records: Sequence[Record]) -> Mapping[TopicPartition, int]:
        done = dict(await self._reading.handler.handle(records))
        if self._tally.add(len(records)):
            for task in self._reading.tasks:
                done |= await task.work() or {}
            self._result.write_text(json.dumps(asdict(self._tally.measured())))
            os.kill(os.getpid(), signal.SIGTERM)
        return done


def metered(create: Create, records: int, result: Path) -> Create:
    @asynccontextmanager
    async def created(platform: Platform) -> AsyncIterator[Service]:
        async with create(platform) as service:
            reading, *others = service.readings  # the log comes first; analytics reads of the whole base, too
            yield replace(service, readings=[replace(reading, handler=Metered(reading, records, result)), *others])

    return created


def main() -> NoReturn:
    name, records, result = sys.argv[1:]
    create: Create = importlib.import_module(f"services.{name}.app").create
    runtime.main(name, metered(create, int(records), Path(result)))


if __name__ == "__main__":
    main()

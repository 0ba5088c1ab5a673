"""How a domain service is put together: its decider, the protocol, its own database, its inbox and the log.

In: a decider. Out: what `shared.runtime.main` runs. The three domain services differ in nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from pymongo.errors import PyMongoError

from shared.broker import TopicPartition
from shared.decider import Decider
from shared.kafka_publisher import kafka_publisher
from shared.mongo import close, connect, durable
from shared.mongo_store import MongoEventStore
from shared.processor import Processor
from shared.runtime import Every, Reading, Service, answered
from shared.settings import Platform, TimeSource
from shared.topics import CUSTOMER_EVENTS, dead_letters, inbox

S = TypeVar("S")
log = structlog.get_logger()


class Background:
    """Work that nobody waits for until the end: marks and snapshots. If it fails, the sweep does it again."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def finished(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)  # each failure is said by _ended

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("mark_failed", error=repr(error))


@asynccontextmanager
async def domain_service(decider: Decider[S], platform: Platform) -> AsyncIterator[Service]:
    """The service named by the decider, connected."""
    client = connect(platform)
    background = Background()
    try:
        store = MongoEventStore(durable(client, f"{platform.database_prefix}_{decider.name}"))
        await answered("MongoDB", store.prepare, errors=(PyMongoError,))
        async with kafka_publisher(platform) as publisher:
            processor = Processor(
                decider,
                store,
                publisher,
                partitions=platform.partitions,
                time=platform.time,
                now=lambda: datetime.now(UTC),
                sleep=asyncio.sleep,
                spawn=background.spawn,
                unpublished_after_s=platform.publish_timeout_s + platform.sweep_s,
            )
            yield Service(readings=[_reading(decider.name, processor, platform)], writes=[dead_letters(decider.name)])
            await background.finished()
    finally:
        await close(client)


def _reading(name: str, processor: Processor[S], platform: Platform) -> Reading:
    async def sweep() -> dict[TopicPartition, int]:
        await processor.sweep()
        return {}

    async def tick() -> dict[TopicPartition, int]:
        await processor.tick()
        return {}

    tasks = [Every(platform.sweep_s, sweep)]
    if platform.time is TimeSource.WALL:
        tasks.append(Every(min(platform.tick_s, platform.grid_s), tick))
    return Reading(name, [inbox(name), CUSTOMER_EVENTS], processor, max_records=platform.max_records, tasks=tasks)

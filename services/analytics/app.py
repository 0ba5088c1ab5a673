"""Analytics as a process: the log to the reader, the reader's clock to whoever asks."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from pymongo.errors import PyMongoError

from services.analytics.reader import AttritionReader
from services.analytics.rules import Rules
from services.analytics.settings import Settings
from shared.contracts.values import format_time, from_micros
from shared.kafka_publisher import kafka_publisher
from shared.mongo import close, connect, durable
from shared.mongo_checkpoints import MongoCheckpoints
from shared.runtime import Every, Reading, Service, answered
from shared.settings import Platform, TimeSource
from shared.telemetry import CLOCK_SECONDS
from shared.topics import ALERTS, CUSTOMER_EVENTS, RISK, dead_letters

MICROS = 1_000_000


def create_app(reader: AttritionReader) -> FastAPI:
    app = FastAPIOffline(title="Tenure analytics", summary="How far the log has been judged.", version="1")

    @app.get("/v1/clock", summary="The lowest clock of this process's partitions; none before all services have spoken")
    async def clock() -> dict[str, Any]:
        at = reader.clock()
        return {"clock": format_time(from_micros(at)) if at else None, "late": reader.late()}

    return app


@asynccontextmanager
async def create(platform: Platform) -> AsyncIterator[Service]:
    settings = Settings()
    client = connect(platform)
    try:
        checkpoints = MongoCheckpoints(durable(client, f"{platform.database_prefix}_{settings.name}"))
        await answered("MongoDB", checkpoints.prepare, errors=(PyMongoError,))
        async with kafka_publisher(platform) as publisher:
            reader = AttritionReader(
                Rules(),
                checkpoints,
                publisher,
                history=platform.time is TimeSource.HISTORY,
                now=time.monotonic,
                grid=int(platform.grid_s * MICROS),
                save_every_s=settings.save_s,
            )
            CLOCK_SECONDS.set_function(lambda: reader.clock() / MICROS)
            reading = Reading(
                settings.name,
                [CUSTOMER_EVENTS],
                reader,
                max_records=settings.max_records,
                tasks=[Every(settings.save_s, reader.save)],
            )
            yield Service(
                readings=[reading],
                app=create_app(reader),
                writes=[ALERTS, RISK, dead_letters("analytics")],
                unready=reader.halts,
            )
    finally:
        await close(client)

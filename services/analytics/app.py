"""Analytics as a process: the log to the reader, the reader's clock to whoever asks."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from pymongo.errors import PyMongoError

from services.analytics.population.job import PopulationJob
from services.analytics.population.results import Results, ResultsFollower
from services.analytics.reader import AttritionReader
from services.analytics.rules import Rules
from services.analytics.settings import Settings
from shared.broker import Publisher
from shared.contracts.values import format_time, from_micros
from shared.kafka_publisher import kafka_publisher
from shared.kafka_whole_topic import KafkaTopic
from shared.mongo import close, connect, durable
from shared.mongo_checkpoints import MongoCheckpoints
from shared.runtime import Every, Following, Reading, Service, answered
from shared.settings import Platform, TimeSource
from shared.telemetry import CLOCK_SECONDS
from shared.topics import ALERTS, CUSTOMER_EVENTS, POPULATION, RISK, dead_letters

MICROS = 1_000_000
LOOK_S = 10.0  # how often the job asks whether parts are missing


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
            rules, news = settings.judge_by(), asyncio.Event()
            results = Results(rules)
            reader = AttritionReader(
                rules,
                checkpoints,
                publisher,
                results=results.by_week,
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
                tasks=[Every(settings.save_s, reader.save), Every(settings.save_s, reader.proceed, rings=news)],
            )
            follower = ResultsFollower(KafkaTopic(platform, POPULATION, partitions=1), results, ring=news.set)
            yield Service(
                readings=[reading, population_reading(platform, settings, rules, results, publisher)],
                followings=[Following(f"{settings.name}-results", [POPULATION], follower, follower.at_work)],
                app=create_app(reader),
                writes=[ALERTS, RISK, POPULATION, dead_letters("analytics")],
                unready=lambda: [*reader.halts(), *reader.waits()],
            )
    finally:
        await close(client)


def population_reading(
    platform: Platform, settings: Settings, rules: Rules, results: Results, publisher: Publisher
) -> Reading:
    """The job, done by one process of all."""
    job = PopulationJob(
        rules,
        platform.partitions,
        results,
        publisher,
        history=platform.time is TimeSource.HISTORY,
        now=lambda: datetime.now(UTC),
        aside=asyncio.to_thread,
    )
    return Reading(f"{settings.name}-population", [POPULATION], job, tasks=[Every(LOOK_S, job.look)])

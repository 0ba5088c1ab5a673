"""The projection: topics to the reader, routes to the store, wired together."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from pymongo.errors import PyMongoError

from services.projection.api import router, use_store
from services.projection.figures import Figures
from services.projection.mongo_store import MongoStore
from services.projection.paths import EncodedPaths
from services.projection.reader import NAME, ProjectionReader
from services.projection.settings import Settings
from services.projection.store import TimelineStore
from shared.crowd import AtMost
from shared.http import install_problem_handlers, problem_response, unavailable, use_keys
from shared.kafka_publisher import kafka_publisher
from shared.keys import Keyring, KeyStore
from shared.mongo import close, connect, durable
from shared.mongo_keys import MongoKeyStore
from shared.runtime import Reading, Service, answered
from shared.settings import Platform
from shared.topics import ALERTS, CUSTOMER_EVENTS, dead_letters

log = structlog.get_logger()


def create_app(
    store: TimelineStore, keys: KeyStore, *, monotonic: Callable[[], float], max_requests: int = 64
) -> FastAPI:
    """The read API."""
    app = FastAPIOffline(
        title="Tenure read API",
        summary="Timelines, customers and alerts.",
        version="1",
        redirect_slashes=False,  # an id may be empty by mistake, and must not become the list of all customers
    )
    install_problem_handlers(app)
    app.add_exception_handler(PyMongoError, _store_away)
    use_keys(app, Keyring(keys, monotonic=monotonic))
    use_store(app, store, Figures(store, monotonic=monotonic))
    app.include_router(router)
    app.add_middleware(EncodedPaths)
    app.add_middleware(AtMost, requests=max_requests)
    return app


async def _store_away(_: Request, error: Exception) -> Response:
    log.warning("store_unavailable", error=str(error) or repr(error))
    return problem_response(unavailable("store-unavailable", "The database does not answer at the moment; ask again."))


@asynccontextmanager
async def create(platform: Platform) -> AsyncIterator[Service]:
    settings = Settings()
    client = connect(platform)
    try:
        store = MongoStore(durable(client, f"{platform.database_prefix}_{settings.name}"))
        await answered("MongoDB", store.prepare, errors=(PyMongoError,))
        async with kafka_publisher(platform) as publisher:
            reader = ProjectionReader(store, publisher)
            keys = MongoKeyStore(client, prefix=platform.database_prefix)
            yield Service(
                readings=[Reading(settings.name, [CUSTOMER_EVENTS, ALERTS], reader, max_records=settings.max_records)],
                app=create_app(store, keys, monotonic=time.monotonic, max_requests=settings.max_requests),
                writes=[dead_letters(NAME)],
                unready=reader.standing_still,
            )
    finally:
        await close(client)

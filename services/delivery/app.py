"""The delivery: the topic to the readers, routes to the streams, wired together."""

import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from services.delivery.access import session_router
from services.delivery.api import stream_router
from services.delivery.readers import Readers
from services.delivery.settings import Settings
from shared.http import install_problem_handlers, use_keys
from shared.kafka_whole_topic import KafkaTopic
from shared.keys import Keyring, KeyStore
from shared.mongo import close, connect
from shared.mongo_keys import MongoKeyStore
from shared.runtime import Following, Service
from shared.settings import Platform
from shared.topics import ALERTS

NAME = "delivery"
FILES_BESIDE_READERS = 256  # of the process itself, and a handful for each reader that catches up
ALLOWED_HEADERS = ("Authorization", "X-API-Key", "Last-Event-ID", "Cache-Control")
PREFLIGHT_S = 600


def create_app(readers: Readers, settings: Settings, keys: KeyStore, *, monotonic: Callable[[], float]) -> FastAPI:
    app = FastAPIOffline(title="Tenure delivery", summary="Alerts to those who subscribe.", version="1")
    install_problem_handlers(app)
    use_keys(app, Keyring(keys, monotonic=monotonic))
    app.include_router(stream_router(readers))
    app.include_router(session_router(secure=settings.secure_cookie))
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_credentials=True,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=ALLOWED_HEADERS,
            max_age=PREFLIGHT_S,
        )
    return app


@asynccontextmanager
async def create(platform: Platform) -> AsyncIterator[Service]:
    settings = Settings()
    allow_open_files(settings.max_readers + 8 * settings.max_catch_ups + FILES_BESIDE_READERS)
    client = connect(platform)
    try:
        readers = Readers(KafkaTopic(platform, ALERTS), settings, monotonic=time.monotonic)
        keys = MongoKeyStore(client, prefix=platform.database_prefix)
        app = create_app(readers, settings, keys, monotonic=time.monotonic)
        yield Service(app=app, followings=[Following(NAME, [ALERTS], readers.live, readers.at_work)])
    finally:
        await close(client)


def allow_open_files(needed: int) -> None:
    """As many as there may be readers; an ordinary limit is 1,024. Raises OSError where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise OSError(
            f"{needed} open files are needed and {hard} allowed: raise `ulimit -n` or lower DELIVERY_MAX_READERS"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))

"""The HTTP door for channels: keys, doors and the pipeline to the inboxes, wired together."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from services.gateway.door import open_door
from services.gateway.events import NoneAccepted, events_router
from services.gateway.history import history_router
from services.gateway.openapi import SCHEMAS
from services.gateway.settings import Settings
from shared.broker import Publisher
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.http import describe_also, install_problem_handlers, schemas_of, use_keys
from shared.kafka_publisher import kafka_publisher
from shared.keys import Keyring, KeyStore
from shared.mongo import close, connect
from shared.mongo_keys import MongoKeyStore
from shared.runtime import Service
from shared.settings import Platform
from shared.topics import inbox


def create_app(
    settings: Settings,
    platform: Platform,
    publisher: Publisher,
    keys: KeyStore,
    *,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> FastAPI:
    """`clock`: aware UTC. It needs no start and no stop; what is under way is awaited by the requests themselves."""
    app = FastAPIOffline(title="Tenure gateway", summary="Where channels send what customers do.", version="1")
    install_problem_handlers(app)
    describe_also(app, {**SCHEMAS, **schemas_of(NoneAccepted)})
    use_keys(app, Keyring(keys, monotonic=monotonic))
    door = open_door(settings, platform, publisher, clock=clock, monotonic=monotonic)
    app.include_router(events_router(door))
    app.include_router(history_router(door))
    return app


@asynccontextmanager
async def create(platform: Platform) -> AsyncIterator[Service]:
    client = connect(platform)
    try:
        async with kafka_publisher(platform) as publisher:
            keys = MongoKeyStore(client, prefix=platform.database_prefix)
            app = create_app(
                Settings(), platform, publisher, keys, clock=lambda: datetime.now(UTC), monotonic=time.monotonic
            )
            yield Service(app=app, writes=[inbox(service) for service in DOMAIN_SERVICES])
    finally:
        await close(client)

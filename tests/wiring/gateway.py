"""A gateway in memory, and what its suites say to it."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from services.gateway.app import create_app
from services.gateway.settings import Settings
from shared.broker import Publisher
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.keys import MemoryKeyStore, Scope, issue
from shared.memory_broker import MemoryBroker, MemoryRecord
from shared.settings import Platform, TimeSource
from shared.topics import inbox

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PARTITIONS = 4
SINGLE = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


def event(**changes: Any) -> dict[str, Any]:
    """A purchase that is right, but for the changes; None takes an attribute out."""
    right = {
        "specversion": "1.0",
        "id": "order-1",
        "source": "web-shop",
        "type": "tenure.purchase.v1",
        "subject": "customer-1",
        "time": "2026-01-31T11:59:00Z",
        "data": {"amount_minor": 1999, "currency": "EUR"},
    }
    return {name: value for name, value in {**right, **changes}.items() if value is not None}


def raw(document: Any) -> bytes:
    return json.dumps(document).encode()


def at(offset: timedelta) -> str:
    return (NOW + offset).isoformat()


@dataclass
class Gateway:
    """The gateway, a client that has every scope, and the log behind it."""

    client: httpx.AsyncClient
    log: MemoryBroker
    keys: MemoryKeyStore

    async def send(self, body: bytes, headers: dict[str, str] = SINGLE, path: str = "/v1/events") -> httpx.Response:
        return await self.client.post(path, content=body, headers=headers)

    async def send_batch(self, *events: Any) -> httpx.Response:
        return await self.send(raw(events), BATCH)

    async def key(self, *scopes: Scope, sources: Sequence[str] = ("web-shop",)) -> dict[str, str]:
        """Headers of a client with a new key."""
        key, text = issue("test", scopes, sources, created=NOW)
        await self.keys.add(key)
        return {"Authorization": f"Bearer {text}"}

    @property
    def records(self) -> list[MemoryRecord]:
        return [record for service in DOMAIN_SERVICES for record in self.log.records(inbox(service))]


@dataclass
class Time:
    """Seconds that pass when the test says so."""

    seconds: float = 0.0
    started: datetime = field(default=NOW)

    def monotonic(self) -> float:
        return self.seconds

    def clock(self) -> datetime:
        return self.started + timedelta(seconds=self.seconds)


@asynccontextmanager
async def running(
    *,
    time: TimeSource = TimeSource.WALL,
    publisher: Publisher | None = None,
    passing: Time | None = None,
    keys: MemoryKeyStore | None = None,
    **settings: Any,
) -> AsyncIterator[Gateway]:
    log, keys, passing = MemoryBroker(), keys or MemoryKeyStore(), passing or Time()
    for service in DOMAIN_SERVICES:
        log.create_topic(inbox(service), PARTITIONS)
    platform = Platform(kafka="-", mongo=SecretStr("mongodb://nowhere"), partitions=PARTITIONS, time=time)
    app = create_app(
        Settings(**settings),
        platform,
        publisher or log.publisher(),
        keys,
        clock=passing.clock,
        monotonic=passing.monotonic,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        gateway = Gateway(client, log, keys)
        client.headers.update(await gateway.key(*Scope, sources=("*",)))
        yield gateway

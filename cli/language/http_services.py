"""Which services answer over HTTP, and how does each describe itself? Out: OpenAPI 3.1, from apps in memory."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from shared.keys import MemoryKeyStore
from shared.memory_broker import MemoryBroker
from shared.settings import Platform


def descriptions() -> dict[str, dict[str, Any]]:
    """Service -> its OpenAPI document. Nothing is connected to."""
    return {service: create().openapi() for service, create in SERVICES.items()}


def _gateway() -> FastAPI:
    from services.gateway.app import create_app
    from services.gateway.settings import Settings

    publisher = MemoryBroker().publisher()
    return create_app(
        Settings(), _platform(), publisher, MemoryKeyStore(), clock=lambda: datetime.now(UTC), monotonic=lambda: 0.0
    )


def _projection() -> FastAPI:
    from services.projection.app import create_app
    from services.projection.store import MemoryStore

    return create_app(MemoryStore(), MemoryKeyStore(), monotonic=lambda: 0.0)


def _delivery() -> FastAPI:
    from services.delivery.app import create_app
    from services.delivery.readers import Readers
    from services.delivery.settings import Settings
    from shared.kafka_whole_topic import KafkaTopic
    from shared.topics import ALERTS

    settings = Settings()
    readers = Readers(KafkaTopic(_platform(), ALERTS), settings, monotonic=lambda: 0.0)
    return create_app(readers, settings, MemoryKeyStore(), monotonic=lambda: 0.0)


def _platform() -> Platform:
    """Of nowhere: a description depends on no deployment."""
    return Platform(kafka="localhost:9092", mongo=SecretStr("mongodb://localhost"))


SERVICES: dict[str, Callable[[], FastAPI]] = {"gateway": _gateway, "projection": _projection, "delivery": _delivery}

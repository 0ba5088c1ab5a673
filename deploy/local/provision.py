"""What must be there before the first service starts: the topics, and a key for the person at this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deploy.local.errors import LocalError
from deploy.local.servers import apart
from shared.keys import ANY_SOURCE, ApiKey, Scope, issue

if TYPE_CHECKING:
    from shared.settings import Platform

PREFIX = "TENURE_"


@dataclass(frozen=True, slots=True)
class LocalKey:
    """`text` is what is presented; the database gets `key` alone."""

    key: ApiKey
    text: str


def local_key() -> LocalKey:
    """Every scope, any source, newly drawn."""
    return LocalKey(*issue("local", tuple(Scope), (ANY_SOURCE,), created=datetime.now(UTC)))


def provision(env: Mapping[str, str], key: LocalKey) -> None:
    """`env`: what a service would be told. Raises LocalError where no service could start with that; errors of the
    broker or the database are raised as they are."""
    from shared.kafka_topics import ensure_topics
    from shared.mongo import close, connect
    from shared.mongo_keys import MongoKeyStore

    platform = _platform(env)

    async def create() -> None:
        await ensure_topics(platform)
        client = connect(platform)
        try:
            await MongoKeyStore(client, prefix=platform.database_prefix).add(key.key)
        finally:
            await close(client)

    apart(create())


def _platform(env: Mapping[str, str]) -> "Platform":
    from pydantic import ValidationError

    from shared.connections import what_is_wrong
    from shared.settings import Platform

    told = {name.removeprefix(PREFIX).lower(): value for name, value in env.items() if name.startswith(PREFIX)}
    try:
        return Platform.model_validate({name: value for name, value in told.items() if name in Platform.model_fields})
    except ValidationError as error:
        raise LocalError(f"No service can start with these settings: {what_is_wrong(error)}.") from None

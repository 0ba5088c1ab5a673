"""API keys on MongoDB: one small document a key, looked up by its id."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from pymongo.errors import PyMongoError

from shared.contracts.values import from_micros, to_micros
from shared.keys import ApiKey, KeysUnavailable, Scope
from shared.mongo import Client, Document, durable

COLLECTION = "keys"
DEADLINE_S = 3.0  # a request waits for this: better a quick "later" than a slow one


def database_of_keys(prefix: str) -> str:
    return f"{prefix}_gateway"


class MongoKeyStore:
    """A KeyStore. Raises KeysUnavailable when the database does not answer within `DEADLINE_S`."""

    def __init__(self, client: Client, *, prefix: str) -> None:
        self._keys = durable(client, database_of_keys(prefix))[COLLECTION]

    async def add(self, key: ApiKey) -> None:
        async with _answering():
            await self._keys.insert_one(_document(key))

    async def find(self, id_: str) -> ApiKey | None:
        async with _answering():
            found = await self._keys.find_one({"_id": id_})
        return None if found is None else _key(found)

    async def all(self) -> list[ApiKey]:
        async with _answering():
            found = await self._keys.find({}).to_list(None)
        return sorted(map(_key, found), key=lambda key: (key.created, key.id))

    async def revoke(self, id_: str, at: datetime) -> bool:
        async with _answering():
            await self._keys.update_one({"_id": id_, "revoked": None}, {"$set": {"revoked": to_micros(at)}})
            return await self._keys.find_one({"_id": id_}) is not None


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield
    except (PyMongoError, TimeoutError) as error:
        raise KeysUnavailable(str(error) or "no answer in time") from error


def _document(key: ApiKey) -> Document:
    """Instants in microseconds: the database's own dates keep milliseconds."""
    return {
        "_id": key.id,
        "digest": key.digest,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "sources": sorted(key.sources),
        "created": to_micros(key.created),
        "revoked": None if key.revoked is None else to_micros(key.revoked),
    }


def _key(document: dict[str, Any]) -> ApiKey:
    return ApiKey(
        id=document["_id"],
        digest=document["digest"],
        name=document["name"],
        scopes=frozenset(map(Scope, document["scopes"])),
        sources=frozenset(document["sources"]),
        created=from_micros(document["created"]),
        revoked=None if document["revoked"] is None else from_micros(document["revoked"]),
    )

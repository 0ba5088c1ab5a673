"""How MongoDB is reached, and how safe what is written there is.

Motor is named in this file alone, and only calls that PyMongo's asynchronous client shares are used beyond it: changing
over changes `connect` and `close`. Everything is written to a majority's journal and read from what a majority has.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Database = AsyncIOMotorDatabase[Document]
Documents = AsyncIOMotorCollection[Document]  # a collection

DURABLE = WriteConcern("majority", j=True)  # without wtimeout: an ordered bulk would go on after it
MAY_BE_LOST = WriteConcern(w=1)
DUPLICATE_KEY = 11000


def connect(url: str, *, timeout_s: float = 20) -> Client:
    """A client of the running event loop. A call that takes longer than `timeout_s` raises a PyMongoError, and whether
    it was carried out is then unknown."""
    return AsyncIOMotorClient(url, timeoutMS=int(timeout_s * 1000), serverSelectionTimeoutMS=int(timeout_s * 1000))


async def close(client: Client) -> None:
    """Motor closes at once, PyMongo's client has to be awaited."""
    closing = cast("Callable[[], Awaitable[None] | None]", client.close)()
    if closing is not None:
        await closing


def durable(client: Client, name: str) -> Database:
    """A database, written to a majority's journal and read from the primary as a majority has it."""
    return client.get_database(
        name, write_concern=DURABLE, read_concern=ReadConcern("majority"), read_preference=ReadPreference.PRIMARY
    )


def collisions(error: BulkWriteError) -> Sequence[int]:
    """The operations that met a unique index, in order. Raises `error` again if anything else went wrong."""
    details = error.details
    failures = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(f["code"] != DUPLICATE_KEY for f in failures) or not failures:
        raise error
    return [int(f["index"]) for f in failures]

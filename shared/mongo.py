"""How MongoDB is reached, and how safe what is written there is.

Motor is named in this file alone, and only calls that PyMongo's asynchronous client shares are used beyond it: changing
over changes `connect` and `close`. Everything is written to a majority's journal and read from what a majority has.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from shared.connections import MongoConnection

Document = dict[str, Any]
Client = AsyncIOMotorClient[Document]
Database = AsyncIOMotorDatabase[Document]
Documents = AsyncIOMotorCollection[Document]  # a collection
Mongo = MongoConnection | str  # a URL alone: of a database that asks for nothing, as on this machine

DURABLE = WriteConcern("majority", j=True)  # without wtimeout: an ordered bulk would go on after it
MAY_BE_LOST = WriteConcern(w=1)
DUPLICATE_KEY = 11000
AUTHENTICATION_FAILED = 18
DRIVERS_DETAILS = re.compile(r" \(configured timeouts|, Timeout: |, full error: ")


def connect(mongo: Mongo, *, timeout_s: float = 20) -> Client:
    """A client of the running event loop. A call that takes longer than `timeout_s` raises a PyMongoError, and whether
    it was carried out is then unknown."""
    timeout_ms = int(timeout_s * 1000)
    return AsyncIOMotorClient(**client_options(mongo), timeoutMS=timeout_ms, serverSelectionTimeoutMS=timeout_ms)


def client_options(mongo: Mongo) -> dict[str, Any]:
    """Keyword arguments of any client of PyMongo. The certificates are read when the client is made."""
    if isinstance(mongo, str):
        return {"host": mongo}
    options: dict[str, Any] = {"host": mongo.mongo.get_secret_value()}
    if mongo.mongo_username is not None and mongo.mongo_password is not None:
        options |= {"username": mongo.mongo_username, "password": mongo.mongo_password.get_secret_value()}
    if mongo.mongo_encrypts:
        files = {"tlsCAFile": mongo.mongo_ca_file, "tlsCertificateKeyFile": mongo.mongo_cert_file}
        options |= {"tls": True, **{name: str(file) for name, file in files.items() if file is not None}}
    return options


def sentence(error: Exception) -> str:
    """What went wrong, without the timings and the topology that the driver adds."""
    if isinstance(error, OperationFailure) and error.code == AUTHENTICATION_FAILED:
        return "MongoDB refuses the user or the password; see TENURE_MONGO"
    return DRIVERS_DETAILS.split(str(error), maxsplit=1)[0] or repr(error)


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

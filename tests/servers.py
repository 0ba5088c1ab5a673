"""The servers that tests run against: each on a free port, with its own folder, gone when the block ends."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from testcontainers.core.container import DockerContainer

from deploy.local.processes import LOOK_S, Process, birth_of, end, spawn
from deploy.local.servers import (
    HOST,
    broker_answers,
    broker_command,
    database_answers,
    database_command,
    free_ports,
)

STARTS_WITHIN_S = 60
MONGODB_IMAGE = "mongo:8.0"


@contextmanager
def embedded_database(folder: Path) -> Iterator[str]:
    """URL of an empty nx-27017."""
    (port,) = free_ports(1)
    url = f"mongodb://{HOST}:{port}"
    with _running(database_command(port, folder), folder / "database.log", lambda: database_answers(url)):
        yield url


@contextmanager
def embedded_broker(folder: Path) -> Iterator[str]:
    """host:port of an empty Tansu."""
    (port,) = free_ports(1)
    address = f"{HOST}:{port}"
    with _running(broker_command(port), folder / "broker.log", lambda: broker_answers(address)):
        yield address


@contextmanager
def mongodb() -> Iterator[str]:
    """URL of MongoDB itself, a replica set of one, in a container."""
    container = DockerContainer(MONGODB_IMAGE).with_command("--replSet tenure --bind_ip_all").with_exposed_ports(27017)
    with container:
        url = (
            f"mongodb://{container.get_container_host_ip()}:{container.get_exposed_port(27017)}/?directConnection=true"
        )
        _wait_until(lambda: database_answers(url), "MongoDB")
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=1_000) as client:
            member = {"_id": 0, "host": "localhost:27017"}
            client.admin.command("replSetInitiate", {"_id": "tenure", "members": [member]})
            _wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]), "MongoDB's primary")
        yield url


def why_no_docker() -> str | None:
    """None where containers can be run."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    asked = subprocess.run(
        ["docker", "info", "--format", "{{.ServerVersion}}"], capture_output=True, text=True, check=False
    )
    return f"docker does not answer: {asked.stderr.strip()}" if asked.returncode else None


@contextmanager
def _running(command: Sequence[str], log: Path, answers: Callable[[], bool]) -> Iterator[None]:
    log.parent.mkdir(parents=True, exist_ok=True)
    child = spawn(command, log=log, cwd=log.parent, env=os.environ)
    process = Process(child.pid, birth_of(child.pid) or "")
    try:
        _wait_until(lambda: answers() or child.poll() is not None, command[0])
        if child.poll() is not None:
            raise RuntimeError(f"{command[0]} did not start: {log.read_text()[-2_000:]}")
        yield
    finally:
        end([process], grace_s=5)
        child.wait()


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not answer within {STARTS_WITHIN_S} s")
        time.sleep(LOOK_S)

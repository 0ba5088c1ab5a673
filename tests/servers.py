"""The servers that tests run against: each on a free port, with its own folder, gone when the block ends.

What cannot be started here says why in one sentence: `why_no_apache_kafka`, and `why_no_docker` in tests/containers.py.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from deploy.local import apache_kafka
from deploy.local.apache_kafka import Node, Wire
from deploy.local.errors import LocalError
from deploy.local.processes import Process, birth_of, end, spawn
from deploy.local.servers import (
    HOST,
    broker_answers,
    broker_command,
    database_answers,
    database_command,
    free_ports,
)
from tests.containers import kafka_container, why_no_docker
from tests.waiting import wait_until

SHORT_SESSIONS: Mapping[str, str] = {"group.min.session.timeout.ms": "1000"}  # Apache Kafka's own least is 6 s
PLAIN = Wire(settings=SHORT_SESSIONS)


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
def native_broker(
    folder: Path, wire: Wire = PLAIN, *, answers: Callable[[str], bool] = broker_answers
) -> Iterator[str]:
    """host:port of one empty node of Apache Kafka. `answers` says of that address whether it may be used: whoever wants
    more of `wire` than plain text has to ask in the same manner. Raises LocalError where it cannot run."""
    port, controller_port = free_ports(2)
    node, address = Node(1, port, controller_port, folder), f"{HOST}:{port}"
    apache_kafka.set_up([node], wire)
    with _running(apache_kafka.command(node), folder / "broker.log", lambda: answers(address)):
        yield address


@contextmanager
def apache_kafka_broker(folder: Path) -> Iterator[str]:
    """host:port of an empty Apache Kafka: a process of this machine where there is Java, otherwise a container."""
    with kafka_container(SHORT_SESSIONS) if why_no_native_kafka() else native_broker(folder) as address:
        yield address


@cache
def why_no_native_kafka() -> str | None:
    """None where Apache Kafka runs without a container. Its jars are fetched on the way, once on a machine."""
    if reason := apache_kafka.why_not():
        return reason
    try:
        apache_kafka.fetch()
    except LocalError as error:
        return str(error)
    return None


@cache
def why_no_apache_kafka() -> str | None:
    """None where Apache Kafka can be run, in whatever way."""
    native = why_no_native_kafka()
    container = native and why_no_docker()
    return f"no Apache Kafka here: {native}; and no container of it: {container}" if container else None


@contextmanager
def _running(command: Sequence[str], log: Path, answers: Callable[[], bool]) -> Iterator[None]:
    log.parent.mkdir(parents=True, exist_ok=True)
    child = spawn(command, log=log, cwd=log.parent, env=os.environ)
    process = Process(child.pid, birth_of(child.pid) or "")
    try:
        wait_until(lambda: answers() or child.poll() is not None, command[0])
        if child.poll() is not None:
            raise RuntimeError(f"{command[0]} did not start: {log.read_text()[-2_000:]}")
        yield
    finally:
        end([process], grace_s=5)
        child.wait()

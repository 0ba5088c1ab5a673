"""The servers that only a container can be: MongoDB itself, and Apache Kafka where there is no Java.

Whoever wants them looks at `why_no_docker` first. They are empty, on ports of this machine, and gone after the block.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from testcontainers.core.container import DockerContainer

from deploy.local.apache_kafka import version_of_kafka
from deploy.local.servers import broker_answers, database_answers, free_ports
from tests.waiting import wait_until

MONGODB_IMAGE = "mongo:8.0.20"
KAFKA_IMAGE = f"apache/kafka:{version_of_kafka()}"
REPLICA_SET = "tenure"
CLIENTS, CONTROLLER = 9092, 9093  # ports inside the container


@cache
def why_no_docker() -> str | None:
    """None where containers can be run."""
    if shutil.which("docker") is None:
        return "there is no docker command"
    asked = subprocess.run(
        ["docker", "info", "--format", "{{.ServerVersion}}"], capture_output=True, text=True, check=False
    )
    return f"docker does not answer: {asked.stderr.strip()}" if asked.returncode else None


@contextmanager
def kafka_container(settings: Mapping[str, str]) -> Iterator[str]:
    """host:port of one node of Apache Kafka, broker and controller in one. `settings` as Kafka names them."""
    (port,) = free_ports(1)  # it must know before it starts how it is reached
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(CLIENTS, port)
    address = f"{container.get_docker_client().host()}:{port}"
    told = {variable(name): value for name, value in {**kafka_settings(address), **settings}.items()}
    with container.with_envs(**told):
        wait_until(lambda: broker_answers(address), "Apache Kafka")
        yield address


def kafka_settings(address: str) -> dict[str, str]:
    """Of one node alone, as deploy/local/apache_kafka.py gives them to a process of this machine."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@localhost:{CONTROLLER}",
        "listeners": f"PLAINTEXT://:{CLIENTS},CONTROLLER://:{CONTROLLER}",
        "advertised.listeners": f"PLAINTEXT://{address}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": "6",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
    }


def variable(setting: str) -> str:
    """How the image wants to be told a setting of Kafka's."""
    return "KAFKA_" + setting.upper().replace("_", "__").replace("-", "___").replace(".", "_")


@contextmanager
def mongodb() -> Iterator[str]:
    """URL of MongoDB itself, a replica set of one."""
    container = DockerContainer(MONGODB_IMAGE).with_exposed_ports(27017)
    with container.with_command(f"--replSet {REPLICA_SET} --bind_ip_all"):
        url = (
            f"mongodb://{container.get_container_host_ip()}:{container.get_exposed_port(27017)}/?directConnection=true"
        )
        wait_until(lambda: database_answers(url), "MongoDB")
        _initiate(url, ["localhost:27017"])
        yield url


class ReplicaSet:
    """Three members of MongoDB in one container, under the same ports inside and outside: so each of them is called
    alike by its clients and by the other members."""

    def __init__(self, container: DockerContainer, ports: Sequence[int]) -> None:
        self._container, self._ports = container, ports

    @property
    def url(self) -> str:
        members = ",".join(f"localhost:{port}" for port in self._ports)
        return f"mongodb://{members}/?replicaSet={REPLICA_SET}"

    def primary(self) -> int | None:
        """Its port; None while there is none, or none that answers."""
        return next((port for port in self._ports if self._is_primary(port)), None)

    def step_down(self) -> None:
        """The primary is none any more, and no candidate for a while: another is elected."""
        with self._member(self._awaited_primary()) as client:
            client.admin.command("replSetStepDown", 30, force=True)

    def signal_secondaries(self, name: str) -> None:
        """`STOP` or `CONT`: without them there is no majority."""
        primary = self._awaited_primary() if name == "STOP" else None
        for port in self._ports:
            if port != primary:
                done = self._container.exec(["bash", "-c", f"kill -{name} $(cat /data/{port}.pid)"])
                assert done.exit_code == 0, done.output

    def await_primary(self) -> None:
        self._awaited_primary()

    def _awaited_primary(self) -> int:
        wait_until(lambda: self.primary() is not None, "MongoDB's primary")
        port = self.primary()
        assert port is not None, "the primary has gone again"
        return port

    def _is_primary(self, port: int) -> bool:
        try:
            with self._member(port) as client:
                return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False

    def _member(self, port: int) -> "MongoClient[dict[str, Any]]":
        url = f"mongodb://localhost:{port}/?directConnection=true"
        return MongoClient[dict[str, Any]](url, timeoutMS=2_000, serverSelectionTimeoutMS=2_000)


@contextmanager
def replica_set() -> Iterator[ReplicaSet]:
    """With a primary that takes writes."""
    ports = free_ports(3)
    container = DockerContainer(MONGODB_IMAGE).with_command(["bash", "-c", members_script(ports)])
    for port in ports:
        container.with_bind_ports(port, port)
    with container:
        members = ReplicaSet(container, ports)
        for port in ports:
            url = f"mongodb://localhost:{port}/?directConnection=true"
            wait_until(lambda url=url: database_answers(url), "MongoDB")  # type: ignore[misc]
        _initiate(f"mongodb://localhost:{ports[0]}/?directConnection=true", [f"localhost:{port}" for port in ports])
        members.await_primary()
        yield members


def members_script(ports: Sequence[int]) -> str:
    starts = (
        f"mkdir -p /data/{port} && mongod --replSet {REPLICA_SET} --port {port} --bind_ip_all "
        f"--dbpath /data/{port} --pidfilepath /data/{port}.pid --wiredTigerCacheSizeGB 0.25 &"
        for port in ports
    )
    return "\n".join([*starts, "wait"])


def _initiate(url: str, members: Sequence[str]) -> None:
    """Elections begin after two seconds without a primary, as against ten by default."""
    config = {
        "_id": REPLICA_SET,
        "members": [{"_id": n, "host": member} for n, member in enumerate(members)],
        "settings": {"electionTimeoutMillis": 2_000},
    }
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=1_000) as client:
        client.admin.command("replSetInitiate", config)
        if len(members) == 1:
            wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]), "MongoDB's primary")

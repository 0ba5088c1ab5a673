"""Apache Kafka itself on this machine, without a container: where does it come from, how is a node of it started?

It takes Java 17 or newer, and Maven once, to fetch the jars into a cache outside the tree. A node is one process with
a folder of its own, broker and controller in one (KRaft), so that it can be killed, stopped and brought back alone.
Unlike the embedded broker it keeps what it was given.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree

from deploy.local.errors import LocalError
from deploy.local.servers import HOST

POM = Path(__file__).with_name("kafka") / "pom.xml"
JAVA_NEEDED = 17
FORMAT_S = 60.0
FETCHED = "complete"  # a file beside the jars: a copying that was interrupted does not count
MEMORY = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # starts in half the time


@dataclass(frozen=True, slots=True)
class Node:
    """One process of a cluster. `id` counts from 1; both ports are on this machine."""

    id: int
    port: int
    controller_port: int
    folder: Path

    @property
    def settings_file(self) -> Path:
        return self.folder / "server.properties"


@dataclass(frozen=True, slots=True)
class Wire:
    """How clients reach the nodes, as Kafka's own settings name it. `settings` may override any other setting."""

    protocol: str = "PLAINTEXT"
    settings: Mapping[str, str] = field(default_factory=dict)
    format_arguments: Sequence[str] = ()  # of `kafka-storage format`: users that must be there before the first start


def why_not() -> str | None:
    """None where it can be run; otherwise what is missing, as a sentence."""
    if (java := _java()) is None:
        return "there is no `java` command: Apache Kafka needs Java 17 or newer"
    if (version := _java_version(java)) < JAVA_NEEDED:
        return f"`java` is version {version}: Apache Kafka needs {JAVA_NEEDED} or newer"
    if not _fetched() and shutil.which("mvn") is None:
        return "there is no `mvn` command: Maven fetches Apache Kafka"
    return None


def fetch() -> Path:
    """The folder with the jars, fetched if they are not there. Raises LocalError, which says what is missing."""
    if reason := why_not():
        raise LocalError(f"Apache Kafka cannot be run here: {reason}.")
    jars = jar_folder()
    if not _fetched():
        _copy(jars)
    return jars


def jar_folder() -> Path:
    """TENURE_CACHE, else `tenure` in the user's cache folder; one folder a version."""
    home = os.environ.get("TENURE_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tenure"
    return Path(home) / f"kafka-{version_of_kafka()}"


def version_of_kafka() -> str:
    """As the pom has it."""
    found = ElementTree.parse(POM).find(".//{*}dependency/{*}version")
    assert found is not None
    assert found.text is not None
    return found.text


def set_up(nodes: Sequence[Node], wire: Wire = Wire()) -> None:
    """Writes the settings of all nodes and formats their storage, once in their lives. Raises LocalError."""
    jars, cluster = fetch(), base64.urlsafe_b64encode(uuid4().bytes)[:22].decode()
    formatting = []
    for node in nodes:
        node.folder.mkdir(parents=True, exist_ok=True)
        node.settings_file.write_text("".join(f"{k}={v}\n" for k, v in settings(node, nodes, wire).items()))
        formatting.append(_format(jars, node, cluster, wire))
    for process in formatting:  # side by side: most of it is the start of Java
        said, _ = process.communicate(timeout=FORMAT_S)
        if process.returncode:
            raise LocalError(f"Apache Kafka could not be set up: {said.strip()[-500:]}")


def command(node: Node) -> list[str]:
    """What starts a node that is set up."""
    return [str(_java()), *MEMORY, "-cp", f"{jar_folder()}/*", "kafka.Kafka", str(node.settings_file)]


def settings(node: Node, nodes: Sequence[Node], wire: Wire) -> dict[str, str]:
    """Of one node among `nodes`. Topics are made by us alone, with everything said."""
    copies = min(3, len(nodes))
    address = f"{wire.protocol}://{HOST}:{node.port}"
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.id),
        "controller.quorum.voters": ",".join(f"{n.id}@{HOST}:{n.controller_port}" for n in nodes),
        "listeners": f"{address},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": address,
        "inter.broker.listener.name": wire.protocol,
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": ",".join((*_PROTOCOLS, "CONTROLLER:PLAINTEXT")),
        "log.dirs": str(node.folder / "data"),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": "6",
        "offsets.topic.replication.factor": str(copies),
        "default.replication.factor": str(copies),
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": str(max(1, copies - 1)),
        "min.insync.replicas": str(max(1, copies - 1)),
        **wire.settings,
    }


_PROTOCOLS = [f"{name}:{name}" for name in ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")]


def _format(jars: Path, node: Node, cluster: str, wire: Wire) -> "subprocess.Popen[str]":
    known = [f"--cluster-id={cluster}", f"--config={node.settings_file}"]  # an id may begin with a dash
    tool = ["kafka.tools.StorageTool", "format", *known, *wire.format_arguments]
    return subprocess.Popen(
        [str(_java()), *MEMORY, "-cp", f"{jars}/*", *tool],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _copy(jars: Path) -> None:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
    done = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(POM), *goal],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise LocalError(f"Maven could not fetch Apache Kafka: {(done.stdout + done.stderr).strip()[-500:]}")
    (jars / FETCHED).touch()


def _fetched() -> bool:
    return (jar_folder() / FETCHED).exists()


def _java() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else None
    found = found or shutil.which("java")
    return Path(found) if found else None


def _java_version(java: Path) -> int:
    said = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def main() -> None:
    """`make kafka`: fetches it and says where it is."""
    try:
        print(f"Apache Kafka {version_of_kafka()} is in {fetch()}")
    except LocalError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

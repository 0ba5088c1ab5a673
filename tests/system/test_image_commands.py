"""Does the image run? Every command of its Dockerfile, in order, in a root folder of its own; then what compose starts
from it, under the same restrictions: another user, no rights, no shell, nothing that can be written to but /tmp.

No engine has a part in it: `tests/contained.py` says what stands in for one.
"""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.local.apache_kafka import Wire
from deploy.local.servers import HOST, free_ports
from tests import compose, contained
from tests.contained import Image
from tests.platforms import APACHE_KAFKA, EMBEDDED
from tests.servers import embedded_broker, embedded_database, native_broker, why_no_native_kafka
from tests.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.system]

READY_S = 120.0
SHOWN_S = 60.0
STOP_S = 30.0  # as compose waits
OF_THE_PLACE = ("listeners", "voters", "log.dirs", "protocol.map", "heap.opts")
UNITS = {"M": 1024 * 1024}
SERVICES = {name: s for name, s in compose.services().items() if compose.module(s).startswith("services.")}


@dataclass
class Containers:
    """What compose would start, told of servers that are at hand here, each on a port that is free."""

    image: Image
    folder: Path
    servers: Mapping[str, str]
    ports: Mapping[str, int]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def told(self, name: str) -> dict[str, str]:
        port = {"TENURE_PORT": str(self.ports[name])} if name in self.ports else {}
        return {**compose.environment(compose.services()[name]), **self.servers, **port}

    def run(self, name: str, *words: str, given: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
        """`docker compose run NAME WORDS`, with the entry point that the service or the image has."""
        service = compose.services()[name]
        entry = service.get("entrypoint") or self.image.stage.last("ENTRYPOINT").words()
        told = {**self.told(name), **variables}
        return self.image.run([*entry, *(words or service["command"])], told, given=given)

    def start(self, name: str) -> None:
        module = compose.module(compose.services()[name])
        self.running[name] = self.image.start(module, self.told(name), self.folder / f"{name}.log")

    def health(self, name: str) -> "subprocess.CompletedProcess[str]":
        keyword, *command = compose.services()[name]["healthcheck"]["test"]
        assert keyword == "CMD"
        return self.image.run(command, self.told(name))

    def healthy(self, name: str) -> bool:
        child = self.running[name]
        assert child.poll() is None, (name, child.returncode, self.said(name))
        return self.health(name).returncode == 0

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()[-3_000:]

    def memory(self, name: str) -> int:
        """Resident, in bytes."""
        status = Path(f"/proc/{self.running[name].pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def end(self) -> None:
        for child in self.running.values():
            child.kill()
            child.wait()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    if reason := contained.why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("image")
    yield contained.build(compose.ROOT / "deploy" / "Dockerfile", compose.ROOT, folder)
    shutil.rmtree(folder)  # hundreds of megabytes; what was mounted there was mounted for its processes alone


@pytest.fixture(scope="module", params=[EMBEDDED, APACHE_KAFKA])
def containers(
    request: pytest.FixtureRequest, image: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Containers]:
    """Topics are made, and every service of the compose file is started."""
    if request.param == APACHE_KAFKA and (reason := why_no_native_kafka()):
        pytest.skip(reason)
    with _servers(request.param, tmp_path_factory.mktemp("servers")) as servers:
        ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        urls = {
            "TENURE_GATEWAY": f"http://{HOST}:{ports['gateway']}",
            "TENURE_API": f"http://{HOST}:{ports['projection']}",
        }
        started = Containers(image, tmp_path_factory.mktemp("logs"), {**servers, **urls}, ports)
        made = started.run("topics")
        assert made.returncode == 0, made.stdout + made.stderr
        try:
            for name in SERVICES:
                started.start(name)
            for name in SERVICES:
                wait_until(lambda name=name: started.healthy(name), name, within_s=READY_S)  # type: ignore[misc]
            yield started
        finally:
            started.end()


def test_nothing_is_left_in_it_that_could_install_or_build_something(image: Image) -> None:
    for tool in ("pip", "ensurepip", "setuptools"):
        tried = image.run(["python", "-c", f"import {tool}"])
        assert tried.returncode == 1, tool
        assert "ModuleNotFoundError" in tried.stderr


def test_what_is_installed_is_what_the_lock_has_and_tenure(image: Image) -> None:
    ask = "import importlib.metadata as m; print(*sorted(f'{d.name.lower()}=={d.version}' for d in m.distributions()))"
    installed = {one.replace("_", "-") for one in image.run(["python", "-c", ask]).stdout.split()}
    locked = {
        line.split()[0]
        for line in (compose.ROOT / "deploy" / "requirements.lock").read_text().splitlines()
        if "==" in line
    }
    assert {one for one in installed if not one.startswith("tenure==")} <= locked
    assert {one.partition("==")[0] for one in installed} >= {"tenure", "aiokafka", "motor", "fastapi"}


def test_its_process_may_do_nothing_and_write_nowhere_but_in_the_temporary_folder(image: Image) -> None:
    status = image.run(["python", "-c", "print(open('/proc/self/status').read()); open('/tmp/a', 'w')"]).stdout
    assert "Uid:\t65532\t65532\t65532\t65532" in status
    assert "CapEff:\t0000000000000000" in status
    for place in ("/a", "/opt/tenure/a", "/usr/local/a"):
        assert "Read-only file system" in image.run(["python", "-c", f"open('{place}', 'w')"]).stderr
    assert image.run(["sh", "-c", "true"]).returncode == 126


def test_nothing_of_it_was_compiled_too_late_or_belongs_to_somebody_else(image: Image) -> None:
    packages = image.root.place("/opt/tenure")
    ours = [f for name in ("services", "shared", "cli") for f in packages.glob(f"lib/*/site-packages/{name}/**/*.py")]
    assert len(ours) > 100
    assert [f for f in ours if not list((f.parent / "__pycache__").glob(f"{f.stem}.*.pyc"))] == []
    found = [(f, f.stat()) for f in packages.rglob("*") if not f.is_symlink()]
    assert [f for f, stat in found if stat.st_uid != 0 or stat.st_mode & 0o022] == []


def test_it_holds_neither_tests_nor_settings_nor_history_of_the_tree(image: Image) -> None:
    names = {f.name for f in image.root.place("/opt/tenure").glob("lib/*/site-packages/*")}
    assert names >= {"cli", "deploy", "services", "shared"}
    assert names & {"tests", "docs", ".env", ".git"} == set()
    assert not image.root.place("/build").exists()


def test_without_a_module_it_does_not_start(image: Image) -> None:
    assert image.run(image.stage.last("ENTRYPOINT").words()).returncode == 2


def test_the_job_that_makes_topics_may_run_again(containers: Containers) -> None:
    again = containers.run("topics")
    assert (again.returncode, json.loads(again.stdout.splitlines()[-1])["made"]) == (0, 0)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_becomes_healthy_as_compose_asks(containers: Containers, name: str) -> None:
    asked = containers.health(name)
    assert (asked.returncode, asked.stdout) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_has_started_takes_less_than_half_of_its_limit(containers: Containers, name: str) -> None:
    limit = SERVICES[name]["deploy"]["resources"]["limits"]["memory"]
    assert containers.memory(name) < int(limit[:-1]) * UNITS[limit[-1]] / 2


def test_a_key_is_made_an_event_sent_and_its_story_shown_by_the_command_alone(containers: Containers) -> None:
    made = containers.run(
        "tenure", "keys", "create", "web-shop", "--scope", "send", "--scope", "read", "--source", "web-shop"
    )
    key = made.stdout.strip()
    sent = containers.run("tenure", "send", "-", given=json.dumps(_purchase()), TENURE_KEY=key)
    assert sent.returncode == 0, sent.stderr

    def told() -> Any:
        return containers.run("tenure", "timeline", "customer-1", "--json", TENURE_KEY=key)

    wait_until(lambda: "purchase-recorded" in told().stdout, "the timeline", within_s=SHOWN_S)
    assert key not in "".join(map(containers.said, SERVICES))


def test_a_service_that_is_asked_to_stop_stops_in_time(containers: Containers) -> None:
    """Last on its servers: nothing runs after it."""
    number = signal.Signals[containers.image.stage.last("STOPSIGNAL").value]
    for child in containers.running.values():
        child.send_signal(number)
    until = time.monotonic() + STOP_S
    codes = {name: child.wait(timeout=max(0.1, until - time.monotonic())) for name, child in containers.running.items()}
    assert codes == dict.fromkeys(SERVICES, 0)
    refused = containers.health("gateway")
    assert (refused.returncode, "no answer" in refused.stdout) == (1, True)


@contextmanager
def _servers(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """In the place of the containers `kafka` and `mongo`. Apache Kafka has the settings of the first, its clients the
    profile that compose says."""
    with ExitStack() as stack:
        mongo = stack.enter_context(embedded_database(folder / "database"))
        if kind == EMBEDDED:
            kafka = stack.enter_context(embedded_broker(folder / "broker"))
            yield {"TENURE_KAFKA": kafka, "TENURE_MONGO": mongo, "TENURE_PROFILE": "embedded"}
        else:
            kafka = stack.enter_context(native_broker(folder / "broker", Wire(settings=_settings_of_kafka())))
            yield {"TENURE_KAFKA": kafka, "TENURE_MONGO": mongo}


def _settings_of_kafka() -> dict[str, str]:
    """As its image makes them of variables; without those that say where it is, which is elsewhere here."""
    told = compose.environment(compose.services()["kafka"])
    named = {n.removeprefix("KAFKA_").lower().replace("_", "."): v for n, v in told.items() if n.startswith("KAFKA_")}
    return {name: value for name, value in named.items() if not name.endswith(OF_THE_PLACE)}


def _purchase() -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "order-1", "source": "web-shop", "type": "tenure.purchase.v1",
        "subject": "customer-1", "time": datetime.now(UTC).isoformat(),
        "data": {"amount_minor": 1999, "currency": "EUR"},
    }  # fmt: skip

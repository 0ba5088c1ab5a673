"""A whole deployment on this machine: every service as its own process, and the broker and the database they need.

The database is the embedded one; the broker, too, or Apache Kafka with one node or several. Or both are given.

In: a state folder and a few wishes. Out: addresses and a key; processes that can be killed and started one by one.
Two promises must not break: after `down`, or when whoever holds the stack ends in any way, no process is left; and
`up` never mixes what it starts with what was there.
"""

import signal
import subprocess
import sys
import time as clock
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType

from deploy.local import apache_kafka, parts
from deploy.local.death import Death
from deploy.local.errors import LocalError
from deploy.local.processes import Process, birth_of, end, gone, spawn
from deploy.local.provision import local_key, provision
from deploy.local.state import Deployment, Given, StateFolder, is_broker
from deploy.local.takedown import SERVER_GRACE_S, SERVICE_GRACE_S, is_server, take_down

READY_S = 90.0  # a group's first join alone takes some seconds on the embedded broker
LOOK_S = 0.1
PARTITIONS = 6


@dataclass(frozen=True, slots=True)
class Status:
    name: str
    pid: int | None
    alive: bool
    ready: bool
    address: str


class LocalStack:
    """As a context manager it is up inside the block, and gone after it or after the death of this process."""

    def __init__(
        self,
        folder: Path | str,
        *,
        time: str = "wall",
        partitions: int = PARTITIONS,
        grid_s: float = 3600,
        tick_s: float = 60,
        kafka_nodes: int = 0,
        copies: int = 1,
        given: Given | None = None,
        free_ports: bool = False,
        env: Mapping[str, str] | None = None,
        services: Collection[str] = tuple(parts.SERVICES),
        on_progress: Callable[[str, str], None] = lambda name, state: None,
    ) -> None:
        """`kafka_nodes` of Apache Kafka, 0: the embedded broker; `given`: servers that are there already instead of any
        of its own; `copies` of every service; `env` goes to each of them; `on_progress` hears (name, "starting" or
        "ready")."""
        self.folder = StateFolder(Path(folder).absolute())
        self._wishes = (time, partitions, grid_s, tick_s, dict(env or {}))
        self._kafka_nodes, self._copies, self._free_ports = kafka_nodes, copies, free_ports
        self._given = {} if given is None else asdict(given)
        self._services, self._on_progress = parts.copies_of(services, copies), on_progress
        self._deployment: Deployment | None = None
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._warden: subprocess.Popen[bytes] | None = None

    @classmethod
    def attach(cls, folder: Path | str) -> "LocalStack":
        """The one that is up in that folder. Raises LocalError if none is."""
        stack = cls(folder)
        stack._deployment = stack.folder.read()
        if stack._deployment is None:
            raise LocalError("Nothing is up here: run `tenure local up`.")
        return stack

    def __enter__(self) -> "LocalStack":
        self.up(tied=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @property
    def deployment(self) -> Deployment:
        if self._deployment is None:
            raise LocalError("Nothing is up here: run `tenure local up`.")
        return self._deployment

    @property
    def gateway_url(self) -> str:
        return self.deployment.url("gateway")

    @property
    def api_url(self) -> str:
        return self.deployment.url("projection")

    @property
    def delivery_url(self) -> str:
        return self.deployment.url("delivery")

    @property
    def key(self) -> str:
        return self.deployment.key

    @property
    def kafka(self) -> str:
        return self.deployment.kafka

    @property
    def mongo(self) -> str:
        return self.deployment.mongo

    def up(self, *, tied: bool = False) -> None:
        """Returns when all are ready. `tied`: they end with this process. Raises LocalError; then nothing is left."""
        with self.folder.held():
            self._up(tied=tied)

    def _up(self, *, tied: bool) -> None:
        self._refuse_if_up()
        ports, controllers = parts.choose_ports(
            self._kafka_nodes, self._copies, any_free=self._free_ports, servers=not self._given
        )
        self.folder.wipe()
        key = local_key()
        self._deployment = Deployment(ports, key.text, *self._wishes, controllers, self._given)
        try:
            if tied:
                self._tie()
            if controllers:
                apache_kafka.set_up(list(parts.nodes(self._deployment, self.folder).values()))
            self._start_and_await([name for name in ports if is_server(name)])
            provision(parts.environment("gateway", self.deployment), key)
            self.folder.write(self.deployment)
            self._start_and_await(self._services)
        except BaseException:  # also Ctrl-C: whoever interrupts wants nothing left behind
            self.down()
            raise

    def down(self) -> list[str]:
        """Ends everything; may be called again. Answers which processes were running."""
        running = take_down(self.folder)
        for child in self._children.values():
            child.wait()
        self._children.clear()
        if self._warden is not None:  # last: had this been interrupted, it would finish the work
            self._warden.kill()
            self._warden.communicate()
            self._warden = None
        return running

    def start(self, name: str, *, await_ready: bool = True) -> None:
        """Raises LocalError if it runs already, or ends, or is not ready in time."""
        if self._process(name) is not None:
            raise LocalError(f"{name} is running already.")
        command = parts.command(name, self.deployment, self.folder)
        env = parts.environment(name, self.deployment)
        child = spawn(command, log=self.folder.log(name), cwd=self.folder.path, env=env)
        self._children[name] = child
        self.folder.remember(name, Process(child.pid, birth_of(child.pid) or "gone"))
        if await_ready:
            self._await_ready([name])

    def kill(self, name: str) -> None:
        """As the kernel would: at once, without a word. Returns when it is gone."""
        process = self._process(name)
        if process is None:
            raise LocalError(f"{name} is not running.")
        process.signal(signal.SIGKILL)
        gone([process], within_s=SERVER_GRACE_S)
        self._exit_code(name)

    def stop(self, name: str) -> None:
        """As a deployment would: it finishes its batch. Nothing happens if it is not running."""
        process = self._process(name)
        if process is not None:
            end([process], grace_s=SERVICE_GRACE_S)

    def restart(self, name: str) -> None:
        self.stop(name)
        self.start(name)

    def pass_over(self) -> None:
        """From `history` to `wall` time, once, after the last tick: every service begins anew. Raises LocalError."""
        services = [name for name in self.folder.processes() if not is_server(name)]
        for name in services:
            self.stop(name)
        self._deployment = replace(self.deployment, time="wall")
        self.folder.write(self.deployment)
        self._start_and_await(services)

    def status(self) -> list[Status]:
        """One row a process, whether it runs or not."""
        return [self._status(name) for name in self.deployment.ports]

    def alive(self) -> bool:
        return not self.deaths()

    def deaths(self) -> list[Death]:
        """Who was started, not asked to go, and is gone; nobody while all of it is being taken down."""
        dead = [name for name, process in self.folder.processes().items() if not process.alive]
        if self.folder.ending:  # looked at last: it is said before the first process goes
            return []
        return [Death(name, self._exit_code(name), self.folder.log(name), self.keeps(name)) for name in dead]

    def keeps(self, name: str) -> bool:
        """Whether it has what it had when it is started again."""
        return not is_broker(name) or self.deployment.brokers_keep

    def watch(self, *, look_s: float = 0.5) -> Iterator[Death]:
        """Every death once, until somebody takes it down; a process that comes back and dies again counts again."""
        known: set[str] = set()
        while self.folder.processes():
            deaths = self.deaths()
            yield from (death for death in deaths if death.name not in known)
            known = {death.name for death in deaths}
            clock.sleep(look_s)

    def _refuse_if_up(self) -> None:
        if any(process.alive for process in self.folder.processes().values()):
            raise LocalError(
                "A deployment is up here already: see `tenure local status`, or end it with `tenure local down`."
            )

    def _tie(self) -> None:
        self._warden = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.warden", str(self.folder.path)],
            stdin=subprocess.PIPE,
            cwd=self.folder.path,
            start_new_session=True,
        )

    def _start_and_await(self, names: Collection[str]) -> None:
        for name in names:
            self._on_progress(name, "starting")
            self.start(name, await_ready=False)
        self._await_ready(names)

    def _await_ready(self, names: Collection[str]) -> None:
        waiting, deadline = list(names), clock.monotonic() + READY_S
        while waiting:
            for name in [name for name in waiting if parts.ready(name, self.deployment)]:
                waiting.remove(name)
                self._on_progress(name, "ready")
            fallen = [death for death in self.deaths() if death.name in names]
            if fallen:
                raise LocalError(f"It could not start: {fallen[0].what}. The whole log: {fallen[0].log}")
            if waiting and clock.monotonic() > deadline:
                logs = ", ".join(str(self.folder.log(name)) for name in waiting)
                raise LocalError(f"Not ready after {READY_S:.0f} s: {', '.join(waiting)}. What they say: {logs}")
            clock.sleep(LOOK_S if waiting else 0)

    def _process(self, name: str) -> Process | None:
        """Raises LocalError for a name that is no part of this deployment."""
        if name not in self.deployment.ports:
            raise LocalError(f"There is no process {name}: there are {', '.join(self.deployment.ports)}.")
        process = self.folder.processes().get(name)
        return process if process is not None and process.alive else None

    def _exit_code(self, name: str) -> int | None:
        """Of a child of ours that has ended: its last threads may need a moment longer than itself."""
        child = self._children.get(name)
        return child.wait(timeout=SERVER_GRACE_S) if child is not None else None

    def _status(self, name: str) -> Status:
        process = self._process(name)
        ready = process is not None and parts.ready(name, self.deployment)
        return Status(
            name, process.pid if process else None, process is not None, ready, parts.address(name, self.deployment)
        )

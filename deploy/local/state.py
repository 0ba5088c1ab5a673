"""What is remembered of a local deployment? One folder: logs, pid files, the database and `local.json`."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.errors import LocalError
from deploy.local.processes import Process
from deploy.local.servers import HOST

MARK = "tenure-state"  # says that the folder is ours to wipe
OWNED = ("logs", "pids", "database", "brokers", "local.json", "ending", "send-*.json")
"""What a deployment leaves behind; `send-*.json` says how far a file was sent, and so goes with what it was sent to."""


def is_broker(name: str) -> bool:
    return name == "broker" or name.startswith("broker-")


@dataclass(frozen=True, slots=True)
class Given:
    """Servers that are there already and stay: the addresses of a broker and a database, both empty, and the profile
    that fits the broker."""

    kafka: str
    mongo: str
    profile: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything needed to start any of its processes again. `key` has all scopes: the file is for its owner only."""

    ports: Mapping[str, int]
    key: str
    time: str
    partitions: int
    grid_s: float
    tick_s: float
    env: Mapping[str, str] = field(default_factory=dict)  # beside what the stack says to every service
    controllers: Mapping[str, int] = field(default_factory=dict)  # nodes of Apache Kafka; none: the embedded broker
    given: Mapping[str, str] = field(default_factory=dict)  # servers of somebody else's: `Given`, as JSON has it

    @property
    def brokers(self) -> list[str]:
        return [name for name in self.ports if is_broker(name)]

    @property
    def brokers_keep(self) -> bool:
        """Whether a broker that died has what it was given when it is back."""
        return bool(self.controllers)

    @property
    def kafka(self) -> str:
        return self.given.get("kafka") or ",".join(f"{HOST}:{self.ports[name]}" for name in self.brokers)

    @property
    def profile(self) -> str:
        """The one of shared/profile.py that fits these brokers."""
        if self.given:
            return self.given["profile"]
        if not self.controllers:
            return "embedded"
        return "local" if len(self.controllers) == 1 else "local-cluster"

    @property
    def mongo(self) -> str:
        return self.given.get("mongo") or f"mongodb://{HOST}:{self.ports['database']}"

    def url(self, name: str) -> str:
        return f"http://{HOST}:{self.ports[name]}"

    def to_json(self) -> str:
        """With the addresses spelled out, for whoever reads the file."""
        addresses = {
            "gateway": self.url("gateway"),
            "api": self.url("projection"),
            "kafka": self.kafka,
            "mongo": self.mongo,
        }
        return json.dumps({**addresses, **asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Deployment":
        found: dict[str, Any] = json.loads(text)
        return cls(**{name: found[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class StateFolder:
    path: Path

    @property
    def database(self) -> Path:
        return self.path / "database"

    def broker(self, name: str) -> Path:
        return self.path / "brokers" / name

    def log(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    @contextmanager
    def held(self) -> Iterator[None]:
        """By one at a time, and no longer than its process lives. Raises LocalError if somebody else has it."""
        import fcntl  # not everywhere, but wherever the embedded broker is

        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LocalError(f"Another `tenure local up` is at work in {self.path}: wait for it.") from None
            yield

    def wipe(self) -> None:
        """Empties what is ours. Raises LocalError where somebody else's files stand under the same names."""
        owned = [file for pattern in OWNED for file in self.path.glob(pattern)]
        if owned and not (self.path / MARK).exists():
            raise LocalError(f"{self.path} holds files that are not Tenure's: choose another folder with TENURE_STATE.")
        for file in owned:
            shutil.rmtree(file) if file.is_dir() and not file.is_symlink() else file.unlink()
        for folder in ("logs", "pids", "database", "brokers"):
            (self.path / folder).mkdir(parents=True)
        (self.path / MARK).write_text("Made by `tenure local up`, which empties it.\n")

    def write(self, deployment: Deployment) -> None:
        with open(os.open(self._file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(deployment.to_json() + "\n")

    def read(self) -> Deployment | None:
        """None if there is none. Raises LocalError if it cannot be read."""
        try:
            return Deployment.from_json(self._file.read_text())
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise LocalError(f"{self._file} is not readable any more: run `tenure local down`.") from error

    @property
    def ending(self) -> bool:
        """Whether it is being taken down: then a process that goes is no death to speak of."""
        return (self.path / "ending").exists()

    def say_ending(self) -> None:
        if self.path.exists():
            (self.path / "ending").touch()

    def forget(self) -> None:
        """The deployment is gone; its logs and its database stay to be looked at."""
        self._file.unlink(missing_ok=True)
        for file in self._pid_files():
            file.unlink(missing_ok=True)
        (self.path / "ending").unlink(missing_ok=True)

    def remember(self, name: str, process: Process) -> None:
        """Whole or not at all: a pid file half written must not send a signal to anybody."""
        file = self.path / "pids" / f"{name}.pid"
        file.with_suffix(".new").write_text(f"{process.pid} {process.born}\n")
        file.with_suffix(".new").replace(file)

    def processes(self) -> dict[str, Process]:
        """Those that were started and not told to go, dead or alive, in order of their start."""
        found: list[tuple[int, str, Process]] = []
        for file in self._pid_files():
            with suppress(FileNotFoundError):  # somebody takes it down at this moment
                found.append((file.stat().st_mtime_ns, file.stem, _process(file)))
        return {name: process for _, name, process in sorted(found, key=lambda one: one[:2])}

    @property
    def _file(self) -> Path:
        return self.path / "local.json"

    def _pid_files(self) -> list[Path]:
        return list((self.path / "pids").glob("*.pid"))


def _process(file: Path) -> Process:
    pid, _, born = file.read_text().strip().partition(" ")
    return Process(int(pid), born)

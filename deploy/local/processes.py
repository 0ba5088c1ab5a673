"""How are processes started, recognised and ended? By pid and time of birth, for pids are used again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK_S = 0.05  # between two looks at whether a process has gone


@dataclass(frozen=True, slots=True)
class Process:
    """One process, and no other that later gets its number."""

    pid: int
    born: str

    @property
    def alive(self) -> bool:
        return birth_of(self.pid) == self.born

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return  # it ended between the look and the signal


def birth_of(pid: int) -> str | None:
    """When the process began, in whatever form the system says it; None if there is none, or only its corpse."""
    if sys.platform == "linux":
        try:
            state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if state in "ZX" else rest[18]  # proc(5): field 22, starttime
    asked = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, began = asked.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else began.strip()


def spawn(command: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """In a session of its own: a Ctrl-C reaches only whoever started it. Output is appended to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd, env=env, start_new_session=True
        )


def end(processes: Collection[Process], *, grace_s: float) -> bool:
    """Asks them to stop, waits, then kills what is left. Answers whether all went by themselves."""
    for process in processes:
        process.signal(signal.SIGTERM)
    if gone(processes, within_s=grace_s):
        return True
    for process in processes:
        process.signal(signal.SIGKILL)
    gone(processes, within_s=grace_s)
    return False


def gone(processes: Collection[Process], *, within_s: float) -> bool:
    """Waits until none is left; False if the time was not enough."""
    deadline = time.monotonic() + within_s
    while any(process.alive for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True

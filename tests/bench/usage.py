"""What has a process used? Processor time and memory, asked of the kernel; never more than a file read."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from cli.errors import UNASKED, CliError

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
KIB_PER_MIB = 1024
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu_s`: user and system time since its start, all threads, to 10 ms. `mib`: resident now."""

    cpu_s: float
    mib: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What a process used for so many records."""

    records: int
    cpu_s: float
    seconds: float
    mib: float

    @property
    def us_per_record(self) -> float:
        return self.cpu_s / self.records * 1e6


def usage_of(pid: int) -> Usage:
    """Raises CliError where the process has gone, or where the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        mib = _mib(pid, "VmRSS")
    except OSError as error:
        raise CliError(f"/proc does not tell of process {pid}: the benchmark needs Linux.", UNASKED) from error
    fields = stat.rpartition(")")[2].split()  # from field 3 of proc(5) on: a name may hold anything
    return Usage((int(fields[11]) + int(fields[12])) / TICKS_PER_S, mib)


@dataclass
class Tally:
    """Measures this process from its first batch to its last. The first one warms up and is not counted."""

    total: int  # records that will come
    seen: int = 0
    _from: tuple[int, float, float] | None = field(default=None, init=False)  # records, CPU seconds, clock

    def add(self, records: int) -> bool:
        """Whether all have been seen."""
        self.seen += records
        if self._from is None and records:
            self._from = (self.seen, time.process_time(), time.monotonic())
        return self.seen >= self.total

    def measured(self) -> Measured:
        if self._from is None or self.seen == self._from[0]:
            raise CliError("Everything came in one batch, so nothing can be measured: use more --events.")
        records, cpu_s, began = self._from
        used, took = time.process_time() - cpu_s, time.monotonic() - began
        return Measured(self.seen - records, used, took, _mib(os.getpid(), "VmHWM"))


def _mib(pid: int, what: str) -> float:
    """A line of proc(5)'s status. The peak that getrusage tells begins with that of the parent."""
    status = Path(f"/proc/{pid}/status").read_text()
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith(f"{what}:"))
    return int(kib) / KIB_PER_MIB

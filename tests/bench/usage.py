"""What has a process used? Processor time and memory, asked of the kernel; never more than a file read."""

import os
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

from cli.errors import UNASKED, CliError

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
KIB_PER_MIB = 1024


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
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError as error:
        raise CliError(f"/proc does not tell of process {pid}: the benchmark needs Linux.", UNASKED) from error
    fields = stat.rpartition(")")[2].split()  # from field 3 of proc(5) on: a name may hold anything
    resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return Usage((int(fields[11]) + int(fields[12])) / TICKS_PER_S, int(resident) / KIB_PER_MIB)


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
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Measured(
            self.seen - records, time.process_time() - cpu_s, time.monotonic() - began, peak_kib / KIB_PER_MIB
        )

"""What do many customers cost analytics: to keep, to get back after a takeover, to look at as time passes?

One process judges everyday events and writes the state as it would be saved, another one takes it over; so what is
told of memory is of a process that holds nothing else. The state is that of the last week's look; the days behind it
are for what is told apart (`tests.bench.costs`).

    python -m tests.bench.state judge FILE CUSTOMERS       the state goes into FILE, what it took to stdout
    python -m tests.bench.state take-over FILE DUE ROUNDS  so many customers are due at the instant that is measured
"""

import gc
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from services.analytics.partition import Partition
from services.analytics.population.part import DELAY, Part, Result
from services.analytics.population.wire import read, result_bytes
from services.analytics.state import WEEK
from shared.broker import Record
from shared.checkpoints import Checkpoint
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.tick import read_tick
from shared.contracts.values import to_micros
from shared.memory import give_back_memory, settle_memory
from tests.bench.costs import Costs, costs
from tests.bench.facts import everyday_log
from tests.bench.load import BASE_BEGINS, BASE_LASTS
from tests.bench.profiling import RULES, SKIPPED
from tests.bench.usage import MIB, usage_of

EVENTS_EACH = 10  # at the mean, in half a year
LAST_LOOK = BASE_BEGINS + BASE_LASTS - timedelta(days=6)  # of the week; the log ends as the next one begins
SAVED_EVERY = 50_000  # records; a running process saves once a second


class Judged(msgspec.Struct, frozen=True):
    """`cpu_s`: for all records, saves and weeks included."""

    records: int
    cpu_s: float
    stored_bytes: int
    costs: Costs


class Left(msgspec.Struct, frozen=True):
    """By a process for the one that takes over: what it saved, and the base's result of the week it saved in."""

    saved: Checkpoint
    result: bytes


class TakenOver(msgspec.Struct, frozen=True):
    """`resident_bytes`: what the process grew by; `looked_bytes`: by the end of a week's part and look, saved. Both
    times are the middle one of the rounds."""

    resident_bytes: int
    looked_bytes: int
    cpu_s: float
    instant_s: float
    due: int


def judge(file: Path, customers: int) -> Judged:
    partition, parts, pages, meta = _partition(None), list[Part](), dict[int, bytes](), b""
    records, cpu_s, log = 0, 0.0, everyday_log(customers, customers * EVENTS_EACH)
    for some in _batches(_until(LAST_LOOK, log), SAVED_EVERY):
        began = time.process_time()
        for record in some:
            parts += (said for said in partition.take(record) if isinstance(said, Part))
        meta, changed = partition.dump()
        cpu_s += time.process_time() - began
        records += len(some)
        pages |= changed
    stored = len(meta) + sum(map(len, pages.values()))
    found, result = costs(partition, parts, list(log)[: -len(DOMAIN_SERVICES)])
    file.write_bytes(msgspec.msgpack.encode(Left(Checkpoint(1, meta, pages), result_bytes(result))))
    return Judged(records, cpu_s, stored, found)


def _until(at: datetime, log: Iterator[Record]) -> Iterator[Record]:
    """With the ticks of that midnight, of all services."""
    ticks = 0
    for record in log:
        yield record
        ticks += record.key is None and (tick := read_tick(record.value or b"")) is not None and tick.at == at
        if ticks == len(DOMAIN_SERVICES):
            return


def take_over(file: Path, due: int, rounds: int) -> TakenOver:
    before, taken, instants = _resident(), [], []
    partition, cpu_s = _taken_over(file)
    resident = _resident() - before
    taken.append(cpu_s)
    _look_at_everybody(partition)
    looked = _resident() - before
    until = _until_due(partition, due)
    for _ in range(rounds):
        partition, cpu_s = _taken_over(file)
        taken.append(cpu_s)
        _look_at_everybody(partition)
        began = time.process_time()
        partition.core.advance(until)
        instants.append(time.process_time() - began)
    return TakenOver(resident, looked, statistics.median_low(taken), statistics.median_low(instants), due)


def _taken_over(file: Path) -> tuple[Partition, float]:
    left = msgspec.msgpack.decode(file.read_bytes(), type=Left)
    result = read(left.result)
    assert isinstance(result, Result), "that is what was left"
    results = {**SKIPPED, result.week: result}
    began = time.process_time()
    partition = _partition(left.saved, results)
    partition.proceed()
    del left
    give_back_memory()
    return partition, time.process_time() - began


def _look_at_everybody(partition: Partition) -> None:
    """As the next week begins, and when it is known what follows: the model stays."""
    core, at = partition.core, to_micros(LAST_LOOK) + WEEK
    assert core.known.model.is_fitted, "so much was left"
    core.part(at - DELAY, number=0, is_first=False)
    core.look(at, core.known)
    partition.dump()
    give_back_memory()


def _until_due(partition: Partition, number: int) -> int:
    """The instant by which so many have fallen due, micros."""
    core = partition.core
    instant = 0
    for _ in range(number):
        due = core.next_due()
        assert due is not None, "somebody is always awaited"
        instant = due
        core.advance(due)
    return instant


def _partition(saved: Checkpoint | None, results: Mapping[int, Result] = SKIPPED) -> Partition:
    return Partition(RULES, history=False, number=0, results=results, saved=saved)


def _resident() -> int:
    gc.collect()
    return round(usage_of(os.getpid()).mib * MIB)


def _batches(records: Iterator[Record], size: int) -> Iterator[Sequence[Record]]:
    while some := list(islice(records, size)):
        yield some


def main() -> None:
    settle_memory()  # as every service does
    match sys.argv[1:]:
        case ["judge", file, customers]:
            found: Judged | TakenOver = judge(Path(file), int(customers))
        case ["take-over", file, due, rounds]:
            found = take_over(Path(file), int(due), int(rounds))
        case _:
            sys.exit(__doc__)
    print(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()

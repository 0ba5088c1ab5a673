"""One reader at a time over the log that stands there, with nobody else at work: what does a record cost each of them?

Every round reads the whole log twice, once by the floor and once by the reader, so that a ratio is of two neighbours in
time: on a shared machine the figures of different minutes do not compare. A reader runs under a name of its own each
time, so from the beginning and with an empty state.
"""

import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.errors import CliError
from deploy.local import parts
from deploy.local.death import last_words
from deploy.local.processes import Process, birth_of, spawn
from deploy.local.stack import LocalStack
from deploy.local.takedown import is_server
from shared.topics import ALERTS, CUSTOMER_EVENTS
from tests.bench.log import lengths
from tests.bench.usage import Measured
from tests.bench.whole import Say

ROOT = Path(__file__).parents[2]
FLOOR = "floor"
READERS = {"projection": (CUSTOMER_EVENTS, ALERTS), "analytics": (CUSTOMER_EVENTS,)}
"""What each reads. Analytics is last, for it writes its alerts anew, and the projection would have them to read."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Neighbours in time."""

    floor: Measured
    reader: Measured

    @property
    def ratio(self) -> float:
        """Processor time of a record, as a multiple of the floor's."""
        return self.reader.us_per_record / self.floor.us_per_record


def read_alone(stack: LocalStack, rounds: int, say: Say) -> dict[str, list[Pair]]:
    """Reader -> its rounds. Stops the services, for good. Raises CliError."""
    for name in list(stack.folder.processes()):
        if not is_server(name):
            stack.stop(name)
    return {name: [_pair(stack, name, number, say) for number in range(1, rounds + 1)] for name in READERS}


def median(pairs: Sequence[Pair]) -> Pair:
    """The round whose ratio is in the middle; of two, the lower one."""
    middle = statistics.median_low(pair.ratio for pair in pairs)
    return next(pair for pair in pairs if pair.ratio == middle)


def _pair(stack: LocalStack, name: str, number: int, say: Say) -> Pair:
    pair = Pair(_floor(stack), _reader(stack, name, f"bench-{name}-{number}"))
    say(f"  {name}, round {number}: {pair.reader.us_per_record:.1f} us a record, {pair.ratio:.2f} x the floor")
    return pair


def _floor(stack: LocalStack) -> Measured:
    partitions = stack.deployment.partitions
    [length] = lengths(stack.kafka, [CUSTOMER_EVENTS], partitions).values()
    return _run(stack, FLOOR, [FLOOR, stack.kafka, str(partitions), str(length)], os.environ)


def _reader(stack: LocalStack, service: str, name: str) -> Measured:
    length = sum(lengths(stack.kafka, READERS[service], stack.deployment.partitions).values())
    env = {**parts.environment(service, stack.deployment), f"{service.upper()}_NAME": name}
    return _run(stack, name, ["reader", service, str(length)], env)


def _run(stack: LocalStack, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> Measured:
    """A process that the stack knows, so that it ends with it, however this one ends."""
    module, *rest = arguments
    result, log = stack.folder.path / f"{name}.json", stack.folder.log(name)
    command = [sys.executable, "-m", f"tests.bench.{module}", *rest, str(result)]
    child = spawn(command, log=log, cwd=ROOT, env=env)
    stack.folder.remember(name, Process(child.pid, birth_of(child.pid) or "gone"))
    code = child.wait()
    if code or not result.exists():
        raise CliError(f"{name} gave no result (exit code {code}); its last line: {last_words(log)}")
    measured = Measured(**json.loads(result.read_text()))
    result.unlink()
    return measured

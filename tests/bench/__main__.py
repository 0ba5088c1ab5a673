"""`make bench`: how fast is it, and what does an event cost each process, on this machine?

Starts a whole deployment from empty, sends a history through it, then has each reader of the log read it alone, beside
a bare loop that only validates. Prints a table with the machine's description. Whatever ends it, nothing is left
running.
"""

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.context import JsonOption
from cli.errors import CliError, explain
from cli.output import console, json_line, quieten, say
from cli.sending.door import DoorShut
from deploy.local.stack import LocalStack
from tests.bench import load, log, machine
from tests.bench.alone import read_alone
from tests.bench.profiling import profile_analytics
from tests.bench.report import Outcome, page
from tests.bench.whole import pass_through

MICROS = 1_000_000
INTERRUPTED = 128 + signal.SIGINT  # as the shell says it
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Profiled(StrEnum):
    ANALYTICS = "analytics"


@app.command()
def bench(
    events: Annotated[int, typer.Option(min=1, help="At least so many; the history is copied as a whole.")] = 24_000,
    partitions: Annotated[int, typer.Option(min=1, max=100, help="Of every topic with customers.")] = 6,
    rounds: Annotated[int, typer.Option(min=1, help="Of each reader alone; the middle one is told.")] = 3,
    state: Annotated[Path | None, typer.Option(help="Folder that keeps logs and data; else a passing one.")] = None,
    profile: Annotated[Profiled | None, typer.Option(help="Say instead where a reader spends its time.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure throughput and processor time on the embedded stack, all in one run."""
    on, lines = machine.describe(), load.history(events)
    try:
        with _stack(state, partitions) as stack:
            say(f"Sending {len(lines):,} events through {partitions} partitions")
            passage = pass_through(stack, lines, say)
            if profile is not None:
                _profile(stack)
                return
            say("Reading the log again, one reader at a time")
            alone = read_alone(stack, rounds, say)
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        raise typer.Exit(INTERRUPTED) from None
    outcome = Outcome(on, passage, alone)
    json_line(outcome.as_json()) if as_json else console().print(page(outcome))
    say("Where analytics spends its time: python -m tests.bench --profile analytics")


def _profile(stack: LocalStack) -> None:
    """With nobody else at work."""
    found = log.records(stack.kafka)
    stack.down()
    profile_analytics(found, grid=int(stack.deployment.grid_s * MICROS))


@contextmanager
def _stack(state: Path | None, partitions: int) -> Iterator[LocalStack]:
    with tempfile.TemporaryDirectory(prefix="tenure-bench-") as passing:
        stack = LocalStack(state or passing, time="history", partitions=partitions, free_ports=True)
        say("Starting a broker, a database and the services, all empty")
        with stack:
            yield stack


def main() -> None:
    """A stop that is asked for leaves every block in good order."""
    quieten()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        app()
    except DoorShut as error:
        _refuse(CliError(str(error)))
    except Exception as error:
        if (known := explain(error)) is None:
            raise
        _refuse(known)


def _refuse(error: CliError) -> None:
    say(f"bench: {error.message}")
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()

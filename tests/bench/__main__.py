"""`make bench`: how fast is it, and what does an event cost each process, on this machine?

Starts a whole deployment from empty, sends a history through it, then has each reader of the log read it alone, beside
a bare loop that only validates. The same again with two processes of each service, with a small and a large base of
customers, and at half load in wall time; at last analytics by itself. Prints tables with the machine's description.
Whatever ends it, nothing is left running.
"""

import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.brokers import Kafka, kafka_nodes
from cli.context import JsonOption
from cli.errors import CliError, explain
from cli.interruption import INTERRUPTED, end_in_good_order, hear_what_was_lost
from cli.output import console, json_line, quieten, say
from cli.sending.door import DoorShut
from cli.sending.lines import Line
from deploy.local import apache_kafka
from deploy.local.stack import LocalStack
from tests.bench import load, log, machine
from tests.bench.alone import read_alone
from tests.bench.inside import look_inside
from tests.bench.latency import measure
from tests.bench.profiling import RULES, profile_analytics
from tests.bench.report import Outcome, page
from tests.bench.whole import pass_through

MICROS = 1_000_000
BASES = (1_000, 100_000)  # customers
LATENCY_S = 60.0
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Profiled(StrEnum):
    ANALYTICS = "analytics"


class Part(StrEnum):
    ALONE = "alone"
    COPIES = "copies"
    CUSTOMERS = "customers"
    LATENCY = "latency"
    INSIDE = "inside"


@app.command()
def bench(
    events: Annotated[int, typer.Option(min=1, help="At least so many; the history is copied as a whole.")] = 24_000,
    partitions: Annotated[int, typer.Option(min=1, max=100, help="Of every topic with customers.")] = 6,
    rounds: Annotated[int, typer.Option(min=1, help="Of whatever is measured by turns; the middle one is told.")] = 3,
    kafka: Annotated[Kafka | None, typer.Option(help="Which broker; Apache Kafka where it can be run.")] = None,
    only: Annotated[list[Part] | None, typer.Option(help="Beside the first table, which is always measured.")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder that keeps logs and data; else a passing one.")] = None,
    profile: Annotated[Profiled | None, typer.Option(help="Say instead where a reader spends its time.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure throughput, latency and processor time, all in one run."""
    kafka = kafka or (Kafka.EMBEDDED if apache_kafka.why_not() else Kafka.NATIVE)
    place, on = Place(state, partitions, kafka), machine.describe(kafka)
    chosen = tuple(Part) if only is None else tuple(only)
    try:
        if profile is not None:
            _profile(place, load.history(events))
            return
        outcome = _measure(place, events, rounds, chosen, on)
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        raise typer.Exit(INTERRUPTED) from None
    json_line(outcome.as_json()) if as_json else console().print(page(outcome))
    say("Where analytics spends its time: python -m tests.bench --profile analytics")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment to be measured is started, always from empty."""

    state: Path | None
    partitions: int
    kafka: Kafka

    @contextmanager
    def stack(self, *, copies: int = 1, time: str = "history") -> Iterator[LocalStack]:
        with tempfile.TemporaryDirectory(prefix="tenure-bench-") as passing:
            stack = LocalStack(
                self.state or passing, time=time, partitions=self.partitions, kafka_nodes=kafka_nodes(self.kafka, 1),
                copies=copies, free_ports=True,
            )  # fmt: skip
            with stack:
                yield stack


def _measure(place: Place, events: int, rounds: int, parts: Collection[Part], on: Mapping[str, str]) -> Outcome:
    passages, alone, latency, inside = {}, {}, None, None
    lines = load.history(events)
    say(f"One process of each service: {len(lines):,} events through {place.partitions} partitions")
    with place.stack() as stack:
        passages["one of each"] = first = pass_through(stack, lines, say)
        if Part.ALONE in parts:
            say("Reading the log again, one reader at a time")
            alone = read_alone(stack, rounds, say)
    if Part.COPIES in parts:
        say("Two processes of each service: the same events")
        with place.stack(copies=2) as stack:
            passages["two of each"] = pass_through(stack, lines, say)
    for customers in BASES if Part.CUSTOMERS in parts else ():
        say(f"A base of {customers:,} customers")
        with place.stack() as stack:
            passages[f"{customers:,} customers"] = pass_through(stack, load.base(customers, events), say)
    if Part.LATENCY in parts:
        say(f"Publish to alert, at {first.events_per_s / 2:,.0f} events a second")
        with place.stack(time="wall") as stack:
            latency = measure(stack, first.events_per_s / 2, LATENCY_S)
    if Part.INSIDE in parts:
        inside = look_inside(rounds, say)
    return Outcome(on, passages, alone, latency, inside)


def _profile(place: Place, lines: Sequence[Line]) -> None:
    """With nobody else at work."""
    with place.stack() as stack:
        pass_through(stack, lines, say)
        found, results = log.records(stack.kafka), log.results(stack.kafka, RULES)
        stack.down()
        profile_analytics(found, results)


def main() -> None:
    quieten()
    end_in_good_order()
    hear_what_was_lost()
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

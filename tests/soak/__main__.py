"""`python -m tests.soak`: does a deployment hold out for an hour of real time, and does every alert come in time?

Starts a whole deployment on Apache Kafka with several copies of every service, gives it the past of accounts whose
buyers fall silent on purpose, passes over to wall time, and sends everyday traffic around them. At the end the alerts
that were due are held against those that came, the books are balanced, and the memory of each process is told. Exit
code 1 unless everything is as it has to be.
"""

import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.output import quieten, say
from cli.topic_reader import read_to_end
from deploy.local.stack import LocalStack
from shared.broker import Record
from shared.topics import ALERTS
from tests.bench.traffic import Sent, traffic
from tests.bench.usage import usage_of
from tests.soak.plan import everyday, past_of, silent_lives
from tests.soak.result import Result, delays, due_until, first_alerts, middle
from tests.system.chain import Chain
from tests.system.lives import Life

LEAD = timedelta(seconds=60)  # to take the past in and to pass over
WARM_S = 120.0  # after which memory is looked at for the first time
SAID_EVERY_S = 60.0
LATE_BOOKS_S = 300
app = typer.Typer(add_completion=False)
Mib = dict[str, float]


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=2, help="Of real time, in wall time.")] = 60,
    rate: Annotated[int, typer.Option(min=1, help="Events a second.")] = 200,
    copies: Annotated[int, typer.Option(min=1, help="Of each service.")] = 3,
    nodes: Annotated[int, typer.Option(min=0, help="Of Apache Kafka; 0: the embedded broker.")] = 1,
    partitions: Annotated[int, typer.Option(min=1)] = 12,
    grid: Annotated[float, typer.Option(help="Seconds between two looks for silence.")] = 60,
    tick: Annotated[float, typer.Option(help="Seconds between two ticks.")] = 10,
    apart: Annotated[float, typer.Option(help="Seconds between two customers' alerts.")] = 10,
    state: Annotated[Path | None, typer.Option(help="Folder that keeps logs and data; else a passing one.")] = None,
) -> None:
    """Run a deployment in wall time and hold its alerts against those that were due."""
    quieten()
    with tempfile.TemporaryDirectory(prefix="tenure-soak-") as passing:
        stack = LocalStack(
            state or passing, time="history", partitions=partitions, grid_s=grid, tick_s=tick, kafka_nodes=nodes,
            copies=copies, free_ports=True,
        )  # fmt: skip
        say(f"Starting Apache Kafka, a database and {copies} copies of every service")
        with stack:
            length = timedelta(minutes=minutes)
            lives = silent_lives(datetime.now(UTC) + LEAD, length, timedelta(seconds=apart))
            _take_past_in(stack, lives)
            say(f"In wall time; {len(lives)} accounts lose buyers, {rate} events a second around them")
            began = time.monotonic()
            with traffic(stack, everyday(rate)) as sent:
                memory = _watch(stack, sent, length.total_seconds())
            result = _result(stack, lives, sent, time.monotonic() - began, memory)
    print(result.as_json())
    sys.exit(0 if result.good else 1)


def _take_past_in(stack: LocalStack, lives: list[Life]) -> None:
    chain, past = Chain(stack), past_of(lives)
    chain.send(past, history=False)
    chain.advance(datetime.now(UTC))
    chain.settle()
    stack.pass_over()


def _watch(stack: LocalStack, sent: Sent, seconds: float) -> Mib:
    """Returns when the time is over: the memory of each process soon after the start. Raises what went wrong."""
    began, first = time.monotonic(), Mib()
    said = began
    while (passed := time.monotonic() - began) < seconds:
        if not first and passed >= min(WARM_S, seconds / 2):
            first = _memory(stack)
        if deaths := stack.deaths():
            raise RuntimeError(str(deaths[0]))
        if sent.failure is not None:
            return first  # the block it was sent in raises it
        if time.monotonic() - said >= SAID_EVERY_S:
            said = time.monotonic()
            say(f"  {passed / 60:.0f} min, {sent.events:,} events, {sum(_memory(stack).values()):,.0f} MiB")
        time.sleep(1)
    return first


def _memory(stack: LocalStack) -> Mib:
    return {name: usage_of(process.pid).mib for name, process in stack.folder.processes().items()}


def _result(stack: LocalStack, lives: list[Life], sent: Sent, seconds: float, before: Mib) -> Result:
    end, grid_s = datetime.now(UTC), stack.deployment.grid_s
    after = _memory(stack)
    records: list[Record] = []
    asyncio.run(read_to_end(stack.kafka, [ALERTS], records.append))
    first, twice = first_alerts(records)
    due = due_until(lives, end, timedelta(seconds=grid_s))
    found = delays(due, first, grid_s)
    published = [one.published_s for one in found]
    known = {one.customer for one in lives}
    say("The books")
    return Result(
        seconds=seconds, events=sent.events, behind_s=sent.behind_s, grid_s=grid_s,
        due=len(due), raised=len(found), missing=[one.customer for one in due if one.customer not in first],
        misdated=[one.customer for one in found if one.dated_s], twice=twice, others=len(first.keys() - known),
        published_p50_s=middle(published), published_worst_s=max(published, default=float("nan")),
        mib={name: (before.get(name, 0.0), mib) for name, mib in after.items()}, books=_books(stack),
    )  # fmt: skip


def _books(stack: LocalStack) -> dict[str, object]:
    done = Chain(stack).tenure("audit", "--json", "--settle", str(LATE_BOOKS_S))
    if not done.stdout:
        return {"balanced": False, "why": done.stderr[-500:]}
    books: dict[str, object] = json.loads(done.stdout)
    return books


if __name__ == "__main__":
    app()

"""`tenure demo`: a real history goes through a whole deployment, and what came of it is told on a page.

Starts everything on this machine, replays the CDNOW sample and a short story in `history` time, waits until all of it
has been judged and shown, prints the summary. On a terminal it then stays up; otherwise it ends all, exit code 0.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.brokers import Kafka, KafkaOption, NodesOption, kafka_nodes
from cli.context import LOCAL_STATE, JsonOption, connect, state_folder
from cli.interruption import INTERRUPTED, end_in_good_order
from cli.output import console, json_line, say

if TYPE_CHECKING:
    from cli.sending.lines import Line
    from cli.summary import Summary
    from deploy.local.stack import LocalStack


def demo(
    partitions: Annotated[int, typer.Option(min=1, max=100, help="Of every topic with customers.")] = 3,
    keep: Annotated[
        bool | None, typer.Option("--keep/--no-keep", help="Stay up at the end; by default on a terminal only.")
    ] = None,
    max_days: Annotated[int | None, typer.Option(min=1, help="Only the first days of the history.")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder for logs and data; by default as `tenure local`.")] = None,
    kafka: KafkaOption = Kafka.EMBEDDED,
    nodes: NodesOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Watch eighteen months of a real shop go by in a minute or two, and see who is drifting away."""
    from cli.replay import replay
    from cli.summary import gather, show

    end_in_good_order()  # whatever ends the demo, the stack's block is left properly
    stays = sys.stdout.isatty() if keep is None else keep
    lines = _lines(max_days)
    try:
        with _stack(state or state_folder(), partitions, kafka_nodes(kafka, nodes)) as stack:
            say(f"Replaying {len(lines):,} events, {lines[0].at:%Y-%m-%d} to {lines[-1].at:%Y-%m-%d}")
            report = replay(stack, lines)
            say(f"All has arrived: {report.accepted:,} events")
            with connect(stack.api_url, stack.key) as api:
                summary = gather(api)
            json_line(summary.as_json()) if as_json else show(summary, console())
            if stays:
                _stay(stack, summary)
    except KeyboardInterrupt:
        say("Interrupted; nothing is left running.")
        raise typer.Exit(INTERRUPTED) from None
    say("Everything has been ended.")


def _lines(max_days: int | None) -> "list[Line]":
    """The sample and the story, as one."""
    from cli.data import CDNOW, STORY
    from cli.sending.lines import merge_lines, open_lines, read_lines

    lines = list(merge_lines(*(read_lines(open_lines(file), source="web-shop") for file in (CDNOW, STORY))))
    end = lines[-1].at if max_days is None else lines[0].at + timedelta(days=max_days)
    return [line for line in lines if line.at <= end]


@contextmanager
def _stack(folder: Path, partitions: int, nodes: int) -> "Iterator[LocalStack]":
    """Raises LocalError. On the usual ports where all of them are free."""
    from deploy.local import parts
    from deploy.local.servers import taken
    from deploy.local.stack import LocalStack

    usual, controllers = parts.usual_ports(nodes)
    free_ports = any(taken(port) for port in (*usual.values(), *controllers.values()))
    broker = f"Apache Kafka with {nodes} node{'s' * (nodes > 1)}" if nodes else "a broker"
    say(f"Starting {broker}, a database and {len(parts.SERVICES)} services, all empty; logs in {folder / 'logs'}")
    began = time.monotonic()
    with LocalStack(folder, time="history", partitions=partitions, kafka_nodes=nodes, free_ports=free_ports) as stack:
        say(f"Ready after {time.monotonic() - began:.0f} s")
        yield stack


def _stay(stack: "LocalStack", summary: "Summary") -> None:
    """Until Ctrl-C, or until a process dies: raises CliError."""
    from cli.replay import refuse_deaths

    try:
        console(stderr=True).print(_what_to_try(stack, summary), markup=False, soft_wrap=True)
        for _ in stack.watch():
            refuse_deaths(stack)
    except KeyboardInterrupt:
        return


def _what_to_try(stack: "LocalStack", summary: "Summary") -> str:
    tenure, customer = _this_command(stack.folder.path), summary.timeline_of or "story-anna-berg"
    return f"""
Everything is still up. In another window, in this folder, try
  {tenure} customer {customer}
  {tenure} timeline story-david-okafor
  {tenure} alerts -n 20
  {tenure} local status
Read API  {stack.api_url}  (documentation: {stack.api_url}/docs)
Gateway   {stack.gateway_url}  (documentation: {stack.gateway_url}/docs)
API key   in {stack.folder.path / "local.json"}
Logs      {stack.folder.path / "logs"}
Ctrl-C ends everything."""


def _this_command(folder: Path) -> str:
    """How the command is called from this folder: it may not be on the path, and the state may be elsewhere."""
    called = "tenure" if shutil.which("tenure") else os.path.relpath(sys.argv[0])
    return called if folder == LOCAL_STATE.absolute() else f"TENURE_STATE={folder} {called}"

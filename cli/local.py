"""`tenure local`: a whole deployment on this machine. What is up, where, and what does it say?"""

import time
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.brokers import Kafka, KafkaOption, NodesOption, kafka_nodes
from cli.context import JsonOption, state_folder
from cli.errors import OUTCOME, UNASKED, CliError
from cli.interruption import end_in_good_order
from cli.output import console, json_line, say, table

if TYPE_CHECKING:
    from deploy.local.stack import LocalStack

LOOK_S = 0.3  # between two looks at the logs
app = typer.Typer(add_completion=False, no_args_is_help=True, help="A whole deployment on this machine.")

NameArgument = Annotated[str, typer.Argument(help="A process, as `tenure local status` names it.")]


class TimeMode(StrEnum):
    WALL = "wall"
    HISTORY = "history"


@app.command()
def up(
    time_mode: Annotated[
        TimeMode, typer.Option("--time", help="Now, or the time of a history that is sent.")
    ] = TimeMode.WALL,
    partitions: Annotated[int, typer.Option(min=1, max=100, help="Of every topic with customers.")] = 6,
    grid: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks for silence, in wall time.")] = 3600,
    tick: Annotated[float, typer.Option(min=0.1, help="Seconds between two ticks in wall time.")] = 60,
    kafka: KafkaOption = Kafka.EMBEDDED,
    nodes: NodesOption = 1,
    free_ports: Annotated[bool, typer.Option("--free-ports", help="Take whatever ports are free.")] = False,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay until Ctrl-C, then end everything.")] = False,
) -> None:
    """Start everything, from empty, and say where it is."""
    from deploy.local.stack import LocalStack

    stack = LocalStack(
        state_folder(), time=time_mode, partitions=partitions, grid_s=grid, tick_s=tick,
        kafka_nodes=kafka_nodes(kafka, nodes), free_ports=free_ports, on_progress=_tell,
    )  # fmt: skip
    say(
        "Starting Apache Kafka and an empty database."
        if kafka is Kafka.NATIVE
        else "Starting from an empty broker and database: the embedded broker keeps nothing."
    )
    if foreground:
        _stay(stack)
    else:
        stack.up()
        _welcome(stack)
        say("It goes on by itself: `tenure local down` ends it.")


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Which processes run, and whether they are ready. Exit code 1 if one is not."""
    rows = _attached().status()
    if as_json:
        for row in rows:
            json_line(asdict(row))
    else:
        table(
            ("process", "pid", "alive", "ready", "address"),
            [(r.name, str(r.pid or "-"), _yes(r.alive), _yes(r.ready), r.address) for r in rows],
            right=("pid",),
        )
    if not all(row.ready for row in rows):
        raise typer.Exit(OUTCOME)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="One process; otherwise all.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they are written, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("-n", min=0, help="How many of the last lines, per process.")] = 20,
) -> None:
    """What the processes say; also those of the last deployment, after its end."""
    files = sorted((state_folder() / "logs").glob("*.log"))
    chosen = [file for file in files if name in (None, file.stem)]
    if not chosen:
        known = ", ".join(file.stem for file in files)
        raise CliError(f"There is no log of {name}: there are {known}." if known else NOTHING_YET, UNASKED)
    for file, line in _lines(chosen, last=lines, follow=follow):
        print(line if name else f"{file.stem:<12} {line}", flush=True)


NOTHING_YET = "There are no logs here: run `tenure local up`."


@app.command()
def restart(name: NameArgument) -> None:
    """End one process and start it again."""
    stack = _attached()
    if not stack.keeps(name):
        raise CliError("The embedded broker keeps nothing: run `tenure local down`, then `tenure local up`.", UNASKED)
    stack.restart(name)
    say(f"{name} is ready again.")


@app.command()
def down() -> None:
    """End everything. The logs stay."""
    from deploy.local.state import StateFolder
    from deploy.local.takedown import take_down

    ended = take_down(StateFolder(state_folder().absolute()))
    say(f"Ended: {', '.join(ended)}." if ended else "Nothing was up.")


def _tell(name: str, state: str) -> None:
    if state == "ready":
        say(f"  {name} is ready")


def _stay(stack: "LocalStack") -> None:
    end_in_good_order()
    try:
        with stack:
            _welcome(stack)
            say("Ctrl-C ends it.")
            for death in stack.watch():
                say(str(death))
                if not death.keeps:
                    raise CliError(
                        "Everything was ended, because its broker has gone: run `tenure local up` to begin anew."
                    )
            say("Ended from elsewhere.")
    except KeyboardInterrupt:
        say("Ended.")


def _welcome(stack: "LocalStack") -> None:
    addresses = {
        "gateway": stack.gateway_url,
        "read API": f"{stack.api_url} (documentation: {stack.api_url}/docs)",
        "alerts": f"{stack.delivery_url}/v1/alerts/stream (documentation: {stack.delivery_url}/docs)",
        "broker": stack.kafka,
        "database": stack.mongo,
        "key": f"in {stack.folder.path / 'local.json'}",
        "logs": str(stack.folder.path / "logs"),
    }
    out = console()
    for name, address in addresses.items():
        out.print(f"{name:<10} {address}", markup=False, soft_wrap=True)


def _attached() -> "LocalStack":
    from deploy.local.stack import LocalStack

    return LocalStack.attach(state_folder())


def _yes(flag: bool) -> str:
    return "yes" if flag else "NO"


def _lines(files: list[Path], *, last: int, follow: bool) -> Iterator[tuple[Path, str]]:
    """The last lines of each file; then, if asked, every complete line as it comes, without end."""
    read: dict[Path, int] = {}
    for file in files:
        content = file.read_bytes()
        read[file] = content.rfind(b"\n") + 1
        complete = content[: read[file]].decode(errors="replace").splitlines()
        yield from ((file, line) for line in (complete[-last:] if last else []))
    while follow:
        time.sleep(LOOK_S)
        for file in files:
            with file.open("rb") as log:
                log.seek(read[file])
                news = log.read()
            end = news.rfind(b"\n") + 1
            read[file] += end
            yield from ((file, line) for line in news[:end].decode(errors="replace").splitlines())

"""`tenure send`: brings a file of events to the gateway, as they happen or as a history.

Exit code 0 when every line was accepted, 1 when some were refused or the sending broke off, 2 when it could not begin.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import GatewayOption, JsonOption, KeyOption, connect_gateway, state_folder
from cli.errors import OUTCOME, UNASKED, CliError
from cli.output import console, json_line, say

if TYPE_CHECKING:
    from cli.sending.bookmark import Bookmark
    from cli.sending.lines import Faulty, Line
    from cli.sending.run import Position, Progress, Report

STDIN = "-"
TOLD_EVERY_S = 1.0  # how often the progress is said on a terminal


def send(
    file: Annotated[
        str, typer.Argument(help="JSON lines, also .gz: CloudEvents or the neutral format. `-`: standard input.")
    ],
    history: Annotated[
        bool, typer.Option("--history", help="Give the time, too: a tick for every day. Needs order.")
    ] = False,
    sort: Annotated[bool, typer.Option("--sort", help="Sort by time first, in memory.")] = False,
    source: Annotated[str, typer.Option(help="Source of lines that name none.")] = "web-shop",
    rate: Annotated[float | None, typer.Option(min=0.001, help="Events per second, at most.")] = None,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Events in one request.")] = 200,
    resume: Annotated[
        bool, typer.Option("--resume", help="Begin where the last sending of this file broke off.")
    ] = False,
    gateway: GatewayOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send events through the gateway. Sending a file twice changes nothing: an event is known by its source and id."""
    from cli.sending.door import Door, DoorShut
    from cli.sending.run import Report, send_events

    manner = f"{history}|{sort}|{source}"
    with connect_gateway(gateway, key) as client, _file(file, kept=history or sort or resume) as path:
        items = _items(path, source, history=history, sort=sort)
        bookmark = _bookmark(path, manner)
        report = Report()
        try:
            send_events(
                Door(client),
                items,
                history=history,
                batch_size=batch,
                rate=rate,
                start=_start(bookmark) if resume else None,
                on_progress=_watch(bookmark, quiet=as_json),
                report=report,
            )
        except (DoorShut, KeyboardInterrupt) as trouble:
            if report.sent or as_json:
                _tell(report, as_json=as_json)
            raise CliError(_broken_off(trouble, file, report)) from None
        if bookmark is not None:
            bookmark.remove()
    _tell(report, as_json=as_json)
    if not report.complete:
        raise typer.Exit(OUTCOME)


@contextmanager
def _file(name: str, *, kept: bool) -> Iterator[Path | None]:
    """The file to read, more than once if need be; None: standard input, once, as it comes."""
    if name != STDIN:
        yield Path(name)
    elif not kept:
        yield None
    else:
        with tempfile.NamedTemporaryFile(prefix="tenure-send-", suffix=".jsonl") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
            yield Path(copy.name)


def _items(path: Path | None, source: str, *, history: bool, sort: bool) -> "Iterable[Line | Faulty]":
    """What is to be sent. Nothing of a history leaves before all of it is known to be in order."""
    from cli.sending.lines import OutOfOrder, in_order, open_lines, read_lines, sort_lines

    def read() -> "Iterator[Line | Faulty]":
        return read_lines(sys.stdin.buffer if path is None else open_lines(path), source=source)

    if sort:
        return sort_lines(read())
    if history:
        try:
            for _ in in_order(read()):
                pass
        except OutOfOrder as error:
            raise CliError(f"A history must be in order of time, and {error}: use --sort.", UNASKED) from None
    return read()


def _bookmark(path: Path | None, manner: str) -> "Bookmark | None":
    from cli.sending.bookmark import Bookmark

    return None if path is None else Bookmark.of(path, manner=manner, folder=state_folder())


def _start(bookmark: "Bookmark | None") -> "Position | None":
    if bookmark is None:
        return None
    try:
        return bookmark.read()
    except (ValueError, KeyError, TypeError):
        raise CliError(
            f"{bookmark.path} is damaged: send without --resume; a second copy changes nothing.", UNASKED
        ) from None


def _watch(bookmark: "Bookmark | None", *, quiet: bool) -> "Callable[[Progress], None]":
    """Keeps the bookmark, and on a terminal one line that says how far it is."""
    told = 0.0
    shown = sys.stderr.isatty() and not quiet

    def watch(progress: "Progress") -> None:
        nonlocal told
        if bookmark is not None:
            bookmark.write(progress.position)
        if shown and progress.report.seconds - told >= TOLD_EVERY_S:
            told = progress.report.seconds
            say(f"{progress.at:%Y-%m-%d}  {progress.report.sent:,} events, {progress.report.rate:,.0f} a second")

    return watch


def _tell(report: "Report", *, as_json: bool) -> None:
    if as_json:
        json_line(report.as_json())
        return
    out = console()
    ticks = f", {report.ticks:,} ticks" if report.ticks else ""
    out.print(f"{report.sent:,} events sent{ticks} in {report.seconds:.1f} s ({report.rate:,.0f} a second)")
    out.print(f"{report.accepted:,} accepted")
    if report.skipped:
        out.print(f"{report.skipped:,} had been accepted before")
    for code, count in report.refused.most_common():
        out.print(f"{count:,} refused: {code}")
    for problem in report.first_problems:
        out.print(f"  line {problem.line}{f' ({problem.id})' if problem.id else ''}: {problem.reason}", markup=False)


def _broken_off(trouble: BaseException, file: str, report: "Report") -> str:
    why = "Interrupted." if isinstance(trouble, KeyboardInterrupt) else str(trouble)
    if not report.sent:
        return f"{why} Nothing was sent."
    again = "send it again" if file == STDIN else f"go on with the same command and --resume ({file})"
    return f"{why} What was acknowledged is safe: {again}."

"""How is anything printed? Tables for people, JSON lines for programs; what is only said goes to stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE_COLUMNS = 200  # where nobody has a window, lines are not folded at 80


def console(*, stderr: bool = False) -> "Console":
    """A Rich console that neither folds what goes into a pipe nor colours it."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPE_COLUMNS)


def quieten() -> None:
    """What libraries log is for operators of services; here every failure becomes one sentence."""
    import logging

    import structlog

    logging.basicConfig(level=logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def say(message: str) -> None:
    """To stderr, so that stdout stays what was asked for."""
    print(message, file=sys.stderr, flush=True)


def json_line(row: Any) -> None:
    """One JSON value on one line, at once: who follows a stream must not wait for a buffer to fill."""
    print(json.dumps(row, ensure_ascii=False, separators=(",", ":")), flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Columns named in `right` hold figures. A cell is text, never markup: customers may be called `[red]`."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns:
        grid.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    console().print(grid)

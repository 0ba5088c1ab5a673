"""What commands that judge a history are asked alike, and how they show that they are at it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import console

if TYPE_CHECKING:
    from cli.backtesting.history import Tally
    from services.analytics.rules import Rules


class Target(StrEnum):
    PURCHASE = "purchase"
    CONTACT = "contact"


HorizonOption = Annotated[
    float | None, typer.Option(min=1, help="Days the risk looks ahead. Default: as the rules have it.")
]
TargetOption = Annotated[
    Target | None, typer.Option(help="What the lapse is the absence of. Default: as the rules have it.")
]
SortOption = Annotated[bool, typer.Option("--sort", help="Sort by time first, in memory.")]
SourceOption = Annotated[str, typer.Option(help="Source of lines that name none.")]


def asked(rules: "Rules", horizon: float | None, target: Target | None) -> "Rules":
    """Other rules have another name."""
    from dataclasses import replace

    if horizon is not None and horizon != rules.horizon_days:
        rules = replace(rules, name=f"{rules.name}-{horizon:g}d", horizon_days=horizon)
    if target is not None and target != rules.target:
        rules = replace(rules, name=f"{rules.name}-{target}", target=target.value)
    return rules


@contextmanager
def progress(total: int, *, quiet: bool, what: str = "") -> "Iterator[Callable[[Tally], None]]":
    """A bar on a terminal; nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(
        *columns, console=console(stderr=True), transient=True, disable=quiet or not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(what, total=total)

        def on_day(tally: "Tally") -> None:
            day = "" if tally.until is None else f"{tally.until:%Y-%m-%d}"
            bar.update(task, completed=tally.events + tally.twice + tally.refused, description=f"{what} {day}".strip())

        yield on_day

"""`tenure contracts`: are these events right, and how should they look? Offline: no server is asked, no setting read.

Exit code 0 when every event would be accepted, 1 when one would not, 2 when there was nothing to check.
"""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import JsonOption
from cli.errors import OUTCOME, UNASKED, CliError
from cli.output import json_line, say, table

if TYPE_CHECKING:
    from cli.language.checking import Checked

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The events that channels send: check, show.")

STDIN = "-"


@app.command()
def check(
    file: Annotated[
        str,
        typer.Argument(
            help="CloudEvents as JSON lines, an array or one event, or lines in the neutral format; also .gz. `-`: "
            "standard input."
        ),
    ],
    source: Annotated[
        str | None, typer.Option("--source", help="The only source that the channel's key allows. Default: any.")
    ] = None,
    wall: Annotated[
        bool, typer.Option("--wall", help="Hold times to what holds in wall time now: not ahead, not too old.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what is wrong.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say of each event whether the gateway would accept it, and why not."""
    from cli.language.checking import Checker

    checker = Checker(now=datetime.now(UTC) if wall else None, source=source)
    checked = wrong = 0
    for found in checker.check(_lines(file)):
        checked, wrong = checked + 1, wrong + (found.code is not None)
        if not quiet or found.code is not None:
            json_line(found.as_json()) if as_json else print(_sentence(found), flush=True)
    if not checked:
        raise CliError(f"There is no event in {file}.", UNASKED)
    say(f"{checked:,} checked, {wrong:,} wrong")
    if wrong:
        raise typer.Exit(OUTCOME)


@app.command()
def show(
    type_: Annotated[str | None, typer.Argument(metavar="[TYPE]", help="Such as tenure.purchase.v1.")] = None,
    example: Annotated[bool, typer.Option("--example", help="An event, in place of the schema.")] = False,
) -> None:
    """Print the JSON Schema of a type, or an example; without a type, which types there are."""
    from shared.contracts import generate

    if type_ is None:
        _list_types()
        return
    if type_ not in generate.TYPES:
        raise CliError(f"There is no type {type_!r}: `tenure contracts show` lists them.", UNASKED)
    document = generate.example(type_) if example else generate.schema(type_)
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _list_types() -> None:
    from cli.language.channels import is_taken, topics_of
    from shared.contracts.generate import TYPES

    rows = ((type_, "sent to" if is_taken(type_) else "published on", ", ".join(topics_of(type_))) for type_ in TYPES)
    table(("type", "", "topic"), rows)


def _lines(file: str) -> Iterable[bytes]:
    from cli.sending.lines import open_lines

    return sys.stdin.buffer if file == STDIN else open_lines(Path(file))


def _sentence(found: "Checked") -> str:
    of = f" ({found.id})" if found.id is not None else ""
    return f"{found.number}{of}: " + ("ok" if found.code is None else f"{found.code}: {found.detail}")

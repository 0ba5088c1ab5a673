"""`tenure measures`: what can be done to keep a customer, and what is assumed of it? Shows a catalogue, sends another.

Exit code 0 when it was shown or sent, 1 when nobody has sent one or it was refused, 2 when nobody could be asked, or
when it is not known whether it was taken.
"""

import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.context import ApiOption, GatewayOption, JsonOption, KeyOption, connect, connect_gateway, runs_in_history
from cli.errors import UNASKED, CliError
from cli.money import format_money
from cli.output import console, json_line, say, table
from cli.wording import day

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What can be done to keep a customer: show, send.")
COLUMNS = ("measure", "cost", "incentive", "take-up", "success", "for", "what to do")


@app.command()
def show(api: ApiOption = None, key: KeyOption = None, as_json: JsonOption = False) -> None:
    """The measures that alerts recommend."""
    with connect(api, key) as client:
        found = client.get("/v1/measures").json()
    if as_json:
        json_line(found)
        return
    table(COLUMNS, map(_cells, found["measures"]), right=("cost", "incentive", "take-up", "success"))
    console().print(f"since {day(found['since'])}, by {found['event']}", markup=False)


@app.command()
def send(
    file: Annotated[Path, typer.Argument(help="The whole catalogue, as TOML.")],
    source: Annotated[str, typer.Option(help="Who says so, as the key allows.")] = "operator",
    gateway: GatewayOption = None,
    key: KeyOption = None,
) -> None:
    """Put a catalogue in the place of the one before. In a history it stands in the file instead, as an event."""
    from cli.sending.door import Door, DoorShut
    from cli.sending.lines import Line

    if runs_in_history(gateway):
        raise CliError("This deployment gets its time from a file: put the measures there, as an event.", UNASKED)
    now = datetime.now(UTC)
    line = Line(1, now, "", _event(_said(file), source, now))
    with connect_gateway(gateway, key) as client:
        try:
            refused = Door(client).send([line])
        except DoorShut as trouble:
            raise CliError(f"{trouble} It may have been taken in part: send it again.", UNASKED) from None
    if refused:
        raise CliError(f"The gateway refuses it ({refused[0].code}): {refused[0].reason}")
    say("Sent: alerts go by it from now on.")


def _said(file: Path) -> dict[str, Any]:
    """Dates, which TOML has and JSON has not, become text, to be refused with their place."""
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CliError(f"{file} is no TOML: {error}.", UNASKED) from None
    plain: dict[str, Any] = json.loads(json.dumps(said, default=str))
    return plain


def _event(said: Mapping[str, Any], source: str, at: datetime) -> bytes:
    from shared.contracts.envelope import compact_json
    from shared.contracts.measures import CATALOGUE, Measures
    from shared.contracts.values import format_time

    time = format_time(at)
    return compact_json(
        {
            "specversion": "1.0",
            "id": f"measures-{time}",
            "source": source,
            "type": Measures.TYPE,
            "subject": CATALOGUE,
            "time": time,
            "data": said,
        }
    )


def _cells(measure: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        measure["name"],
        _amount(measure["cost"]),
        _amount(measure["incentive"]),
        f"{measure['take_up_thousandths'] / 10:g} %",
        f"{measure['success_thousandths'] / 10:g} %",
        ", ".join(measure["suits"]) or "everybody",
        measure["words"],
    )


def _amount(said: Mapping[str, Any] | None) -> str:
    if said is None:
        return "-"
    if "currency" in said:
        return format_money(said["amount_minor"], said["currency"])
    return f"{said['thousandths_of_ticket'] / 10:g} % of a usual purchase"

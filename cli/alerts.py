"""`tenure alerts`: who is drifting away, why, and what is at stake?

The open alerts come from the read API, new messages from the topic.
"""

import asyncio
import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import ApiOption, JsonOption, KafkaOption, KeyOption, connect, kafka_place
from cli.errors import UNASKED, CliError
from cli.money import format_money
from cli.output import json_line, say, table
from cli.wording import measure

if TYPE_CHECKING:
    from shared.broker import Record
    from shared.kafka_client import Kafka

PAGE = 500
COLUMNS = ("customer", "since", "state", "risk", "value at risk", "signs", "cause", "measure", "why")


def alerts(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="New messages as they come, until Ctrl-C.")] = False,
    sign: Annotated[str | None, typer.Option("--sign", help="Only alerts with this sign.")] = None,
    lapsed: Annotated[
        bool | None,
        typer.Option("--lapsed/--not-lapsed", help="Of the open ones: whose lapse a channel has declared, or not."),
    ] = None,
    limit: Annotated[int, typer.Option("-n", min=1, help="How many, the most valuable first.")] = 50,
    api: ApiOption = None,
    key: KeyOption = None,
    kafka: KafkaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who is drifting away, the most valuable first."""
    if follow and lapsed is not None:
        raise CliError("--lapsed and --not-lapsed are of open alerts, not of those to come.", UNASKED)
    if follow:
        _follow(kafka_place(kafka), sign, as_json)
        return
    found = open_alerts(api, key, sign=sign, lapse_declared=lapsed, limit=limit)
    if as_json:
        for row in found:
            json_line(row)
    elif found:
        table(COLUMNS, map(cells_of, found), right=("risk", "value at risk"))
    else:
        say("No alert is open.")


def open_alerts(
    api: str | None, key: str | None, *, sign: str | None = None, lapse_declared: bool | None = None, limit: int
) -> list[dict[str, Any]]:
    """The read API's rows, the most valuable first, over as many pages as it takes."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    with connect(api, key) as client:
        while len(rows) < limit:
            size = min(PAGE, limit - len(rows))
            asked = {"limit": size, "cursor": cursor, "sign": sign, "lapse_declared": lapse_declared}
            page = client.get(
                "/v1/alerts", params={name: value for name, value in asked.items() if value is not None}
            ).json()
            rows += page["items"]
            cursor = page.get("next")
            if cursor is None:
                break
    return rows


def _follow(kafka: "Kafka", sign: str | None, as_json: bool) -> None:
    from shared.kafka_client import address_of

    say(f"Following the alerts on {address_of(kafka)}; Ctrl-C ends it.")
    try:
        asyncio.run(_print_new(kafka, sign, as_json))
    except KeyboardInterrupt:
        return


async def _print_new(kafka: "Kafka", sign: str | None, as_json: bool) -> None:
    from cli.topic_reader import read_from_now
    from shared.topics import ALERTS

    async with aclosing(read_from_now(kafka, ALERTS)) as records:
        async for record in records:
            message = read_message(record)
            if sign is None or sign in signs_of(message["data"]):
                json_line(message) if as_json else print(line_of(message), flush=True)


def read_message(record: "Record") -> dict[str, Any]:
    """The alert as it was published, a CloudEvent. Raises CliError with its place for anything else."""
    try:
        message = json.loads(record.value or b"")
        return {**message, "data": dict(message["data"])}
    except (ValueError, KeyError, TypeError) as error:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        raise CliError(
            f"The record at {place} is no alert: what wrote to this topic is not Tenure's analytics."
        ) from error


def line_of(message: dict[str, Any]) -> str:
    """2026-03-01 10:00  raised  c-17  risk 0.83  1,200.00 EUR  volume_decline: why."""
    data = message["data"]
    state = message["type"].partition("-alert-")[2].partition(".")[0]
    parts = (
        message["time"][:16].replace("T", " "),
        f"{state:<12}",
        message["subject"],
        "" if "sign" in data else f"risk {_risk(data)}",
        _money(data),
        ", ".join(signs_of(data)),
        _why(data),
        _measure(data),
    )
    return "  ".join(part for part in parts if part)


def cells_of(row: dict[str, Any]) -> tuple[str, ...]:
    """An open alert of the read API in the order of COLUMNS."""
    return (
        row["customer"],
        row["since"][:10],
        row["state"],
        _risk(row),
        _money(row),
        ", ".join(signs_of(row)),
        row.get("probable_cause") or "-",
        _measure(row) or "-",
        next(iter(row["reasons"]), ""),
    )


def signs_of(data: dict[str, Any]) -> list[str]:
    """Of a customer's alert, or the one of a segment's."""
    signs = data.get("signs", [data["sign"]] if "sign" in data else ())
    return [sign if isinstance(sign, str) else sign["sign"] for sign in signs]


def _why(data: dict[str, Any]) -> str:
    if "sign" in data:  # of a segment
        return f"{data['observed']:,.0f} where {data['expected']:,.0f} were expected since {data['since'][:10]}"
    return next((str(c["reason"]) for c in data.get("contributions", ())), "")


def _risk(data: dict[str, Any]) -> str:
    return "-" if data.get("risk") is None else f"{data['risk']:.2f}"


def _measure(data: dict[str, Any]) -> str:
    return measure(data["recommended"]) if data.get("recommended") else ""


def _money(data: dict[str, Any]) -> str:
    return ", ".join(format_money(m["amount_minor"], m["currency"]) for m in data.get("value_at_risk", ()))

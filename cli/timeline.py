"""`tenure timeline`: what is one customer's story, event by event?"""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from cli.context import ApiOption, JsonOption, KeyOption, connect
from cli.output import json_line, say, table
from cli.wording import sentence

if TYPE_CHECKING:
    import httpx

PAGE = 1000
NOTHING = "Nothing of that kind happened to this customer in that time."


class Order(StrEnum):
    ASC = "asc"
    DESC = "desc"


def timeline(
    customer: Annotated[str, typer.Argument(help="The customer's id, exactly as channels write it.")],
    types: Annotated[
        list[str] | None, typer.Option("--type", "-t", help="Only this type, such as purchase-recorded; repeatable.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="From this day or time on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this day or time.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="As if nothing had happened after that.")] = None,
    order: Annotated[Order, typer.Option("--order", help="asc: oldest first.")] = Order.ASC,
    api: ApiOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """One customer's story, event by event."""
    times = {"from": instant(since), "to": instant(until), "as_of": instant(as_of)}
    asked = {"order": order.value, "type": types or [], **{name: t for name, t in times.items() if t is not None}}
    with connect(api, key) as client:
        entries = read(client, customer, asked)
        if as_json:
            for entry in entries:
                json_line(entry)
            return
        rows = [(entry["time"][:16].replace("T", " "), entry["producer"], sentence(entry)) for entry in entries]
    if rows:
        table(("when (UTC)", "who says so", "what happened"), rows)
    else:
        say(NOTHING)


def read(client: "httpx.Client", customer: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every entry, over as many pages as it takes."""
    path = f"/v1/customers/{quote(customer, safe='')}/timeline"
    asked = {**asked, "limit": PAGE}
    while True:
        page = client.get(path, params=asked).json()
        yield from page["items"]
        if page["next"] is None:
            return
        asked["cursor"] = page["next"]


def instant(text: str | None) -> str | None:
    """A day alone is its beginning in UTC; the rest is left to the API to judge."""
    return f"{text}T00:00:00Z" if text is not None and len(text) == len("2026-01-31") else text

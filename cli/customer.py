"""`tenure customer`: how does one customer stand?"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli.context import ApiOption, JsonOption, KeyOption, connect
from cli.output import console, json_line
from cli.timeline import instant
from cli.wording import day, measure, money

Row = tuple[str, str]
Part = Mapping[str, Any]


def customer(
    customer: Annotated[str, typer.Argument(help="The customer's id, exactly as channels write it.")],
    as_of: Annotated[str | None, typer.Option("--as-of", help="As if nothing had happened after that.")] = None,
    api: ApiOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """One customer at a glance."""
    with connect(api, key) as client:
        params = {} if as_of is None else {"as_of": instant(as_of)}
        found = client.get(f"/v1/customers/{quote(customer, safe='')}", params=params).json()
    json_line(found) if as_json else _show(found)


def _show(found: Part) -> None:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for name, words in rows(found):
        grid.add_row(Text(name, style="bold"), Text(words))
    until = f"as of {found['as_of']}" if found["as_of"] else None
    console().print(Panel(grid, title=Text(found["customer"]), subtitle=until, expand=False))


def rows(found: Part) -> Iterator[Row]:
    """What there is to say, line by line; what is not known is left out."""
    yield "known", f"{day(found['first_event_at'])} to {day(found['last_event_at'])}"
    described = [f"{n} {found[n]}" for n in ("segment", "account", "source", "campaign") if found[n]]
    if described:
        yield "who", ", ".join(described)
    yield from _acquisition(found["acquisition"])
    yield "purchases", _purchases(found["purchases"])
    yield "contacts", _contacts(found["contacts"])
    yield from _care(found["complaints"], found["follow_ups"])
    yield from _satisfaction(found["satisfaction"])
    yield from _lapse(found["lapse"])
    yield from _alert(found["open_alert"], found["risk"])


def _acquisition(part: Part) -> Iterator[Row]:
    if part["stage"]:
        yield "stage", f"{part['stage']} since {day(part['stage_since'])}"
    if part["origin"]:
        again = "" if part["course"] <= 1 else f" (course {part['course']})"
        yield "came as", part["origin"].replace("-", " ") + again


def _purchases(part: Part) -> str:
    if not part["count"]:
        return "none"
    rhythm = "" if part["rhythm_days"] is None else f", every {part['rhythm_days']:.0f} days"
    return f"{part['count']} for {money(part['spend'])}, last on {day(part['last_at'])}{rhythm}"


def _contacts(part: Part) -> str:
    return (
        f"{part['inbound']} by the customer (last {day(part['last_inbound_at'])}), "
        f"{part['outbound']} by us (last {day(part['last_outbound_at'])})"
    )


def _care(complaints: Part, follow_ups: Part) -> Iterator[Row]:
    if complaints["opened"]:
        counts = f"{complaints['opened']} opened, {complaints['resolved']} times resolved"
        yield "complaints", f"{counts}, {complaints['breaches']} standards not kept"
    for c in complaints["open"]:
        late = f"; not kept: {', '.join(c['breached'])}" if c["breached"] else ""
        yield "open complaint", f"{c['complaint']} since {day(c['opened_at'])}, due {day(c['resolve_by'])}{late}"
    if follow_ups["due"]:
        yield "follow-up due", ", ".join(map(day, follow_ups["due"]))
    if follow_ups["missed"]:
        yield "follow-ups missed", str(follow_ups["missed"])


def _satisfaction(part: Part) -> Iterator[Row]:
    if part["count"]:
        yield "satisfaction", f"{part['last_score']} on {day(part['last_at'])}, {part['mean']:.0f} on average"


def _lapse(part: Part) -> Iterator[Row]:
    if part["lapsed"]:
        cause = f", because of {part['defector']}" if part["defector"] else ""
        yield "LAPSED", f"since {day(part['since'])} (by {part['basis']}){cause}"
    elif part["returned_at"]:
        yield "came back", f"on {day(part['returned_at'])}"


def _alert(alert: Part | None, risk: float | None) -> Iterator[Row]:
    if risk is not None:
        yield "risk", f"{risk:.0%}, when last judged for an alert"
    if alert is None:
        return
    signs = ", ".join(sign.replace("_", " ") for sign in alert["signs"])
    yield "ALERT", f"{alert['state']} since {day(alert['since'])}: {signs}"
    yield "at stake", f"{money(alert['value_at_risk'])} a year"
    for reason in alert["reasons"]:
        yield "why", reason
    if alert["probable_cause"]:
        yield "probable cause", alert["probable_cause"]
    if alert["recommended"]:
        yield "measure", f"{measure(alert['recommended'])} ({alert['recommended']['words']})"

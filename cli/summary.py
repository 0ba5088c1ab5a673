"""What would a manager want to know of the whole base, in half a page?

In: the read API. Out: a `Summary`: how many customers and events, which signs, the three most valuable customers
at risk who have not lapsed and why, and the story of the first of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rich.markup import escape

from cli.money import format_money
from cli.wording import measure, sentence

if TYPE_CHECKING:
    import httpx
    from rich.console import Console

MOST_VALUABLE = 3
PAGE = 50  # alerts asked for at once
LAST_ENTRIES = 15  # of the timeline that is shown
KINDS = {
    "purchase": "purchases",
    "contact": "contacts",
    "enquiry": "enquiries",
    "complaint": "complaints",
    "lapse": "lapses declared",
}
SIGNS = {
    "attrition": "silent for too long",
    "contact_decline": "fewer contacts",
    "enquiry_decline": "fewer enquiries",
    "communication_decline": "fewer contacts and enquiries together",
    "complaint_increase": "more complaints",
    "active_buyers_decline": "fewer active buyers",
    "volume_decline": "less business volume",
    "lapse": "left, or silent on every side",
}


@dataclass(frozen=True, slots=True)
class AtRisk:
    customer: str
    value_at_risk: tuple[str, ...]  # 1,204.00 USD; one per currency
    risk: float | None
    signs: tuple[str, ...]
    since: str  # RFC 3339
    probable_cause: str | None
    why: tuple[str, ...]  # the weightiest first
    measure: str | None  # in words, with its verdict and its sums


@dataclass(frozen=True, slots=True)
class Summary:
    customers: int
    events: dict[str, int]  # kind -> events of channels; the kinds of KINDS first
    alerts: int  # raised over all time
    open_alerts: int
    open_alerts_by_sign: dict[str, int]
    lapsed: int
    open_complaints: int
    at_risk: tuple[AtRisk, ...]  # the most valuable first
    timeline_of: str | None
    timeline: tuple[dict[str, Any], ...]  # entries as the read API gives them, the newest LAST_ENTRIES, oldest first

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def gather(api: "httpx.Client") -> Summary:
    """Raises CliError, httpx.HTTPError."""
    base = api.get("/v1/summary").json()
    rows = list(islice(_not_yet_lapsed(api), MOST_VALUABLE))
    chosen = rows[0]["customer"] if rows else None
    return Summary(
        customers=base["customers"],
        events=_events(base["entries"]),
        alerts=base["entries"].get("tenure.attrition-alert-raised.v1", 0),
        open_alerts=sum(count for state, count in base["alerts_by_state"].items() if state != "cleared"),
        open_alerts_by_sign=base["open_alerts_by_sign"],
        lapsed=base["lapsed"],
        open_complaints=base["open_complaints"],
        at_risk=tuple(map(_at_risk, rows)),
        timeline_of=chosen,
        timeline=() if chosen is None else _newest(api, chosen),
    )


def show(summary: Summary, out: "Console") -> None:
    """For people."""
    out.print(f"\n[bold]{summary.customers:,} customers[/], {sum(summary.events.values()):,} events")
    _figures(out, [(KINDS.get(kind, kind.replace("-", " ")), count) for kind, count in summary.events.items()])
    out.print(
        f"\n[bold]{summary.alerts:,} alerts raised[/], {summary.open_alerts:,} of them still open;"
        f" {summary.lapsed:,} customers have lapsed, {summary.open_complaints:,} complaints are open"
    )
    signs = sorted(summary.open_alerts_by_sign.items(), key=lambda row: -row[1])
    _figures(out, [(SIGNS.get(sign, sign), count) for sign, count in signs])
    out.print(f"\n[bold]{_title(len(summary.at_risk))}[/]")
    for place, row in enumerate(summary.at_risk, start=1):
        out.print(f"  {place}. {_headline(row)}", markup=False)
        out.print(f"     {'; '.join(row.why)}", markup=False, soft_wrap=True)
        if row.measure is not None:
            out.print(f"     {row.measure}", markup=False, soft_wrap=True)
    if summary.timeline_of is not None:
        out.print(f"\n[bold]The story of {escape(summary.timeline_of)}[/], its latest events")
        for entry in summary.timeline:
            out.print(f"  {entry['time'][:10]}  {sentence(entry)}", markup=False, soft_wrap=True)


def _title(customers: int) -> str:
    match customers:
        case 0:
            return "No customer who could be kept is at risk"
        case 1:
            return "The one customer at risk who has not lapsed"
        case _:
            return f"The {customers} most valuable customers at risk who have not lapsed"


def _not_yet_lapsed(api: "httpx.Client") -> Iterator[dict[str, Any]]:
    """Open alerts of customers who can still be kept, the highest value at risk first."""
    asked: dict[str, str | int] = {"limit": PAGE}
    while True:
        page = api.get("/v1/alerts", params=asked).json()
        for row in page["items"]:
            if not api.get(f"/v1/customers/{quote(row['customer'], safe='')}").json()["lapse"]["lapsed"]:
                yield row
        if page["next"] is None:
            return
        asked["cursor"] = page["next"]


def _newest(api: "httpx.Client", customer: str) -> tuple[dict[str, Any], ...]:
    """Oldest first."""
    asked: dict[str, str | int] = {"order": "desc", "limit": LAST_ENTRIES}
    found = api.get(f"/v1/customers/{quote(customer, safe='')}/timeline", params=asked).json()["items"]
    return tuple(reversed(found))


def _events(entries: dict[str, int]) -> dict[str, int]:
    """Recorded inputs by kind: the five of KINDS first, none of them left out."""
    found = {}
    for type_, count in entries.items():
        kind, recorded, _ = type_.removeprefix("tenure.").partition("-recorded.")
        if recorded:
            found[kind] = count
    return {
        **{kind: found.get(kind, 0) for kind in KINDS},
        **dict(sorted(found.items() - dict.fromkeys(KINDS).items())),
    }


def _at_risk(row: dict[str, Any]) -> AtRisk:
    return AtRisk(
        customer=row["customer"],
        value_at_risk=tuple(format_money(m["amount_minor"], m["currency"]) for m in row["value_at_risk"]),
        risk=row["risk"],
        signs=tuple(row["signs"]),
        since=row["since"],
        probable_cause=row["probable_cause"],
        why=tuple(row["reasons"]),
        measure=measure(row["recommended"]) if row["recommended"] else None,
    )


def _headline(row: AtRisk) -> str:
    risk = "" if row.risk is None else f", risk {row.risk:.0%}"
    cause = "" if row.probable_cause is None else f", probably because of: {row.probable_cause}"
    return f"{row.customer}: {' and '.join(row.value_at_risk) or 'nothing'} a year at risk{risk}{cause}"


def _figures(out: "Console", rows: Sequence[tuple[str, int]]) -> None:
    for words, count in rows:
        if count:
            out.print(f"  {count:>7,}  {words}", markup=False)

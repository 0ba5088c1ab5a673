"""`tenure rules compare`: what would other rules have changed? Held against what happened, before one is put to work.

Exit code 0 when both were judged, 1 when lines of the file were no events, 2 when it could not begin.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.backtesting.options import HorizonOption, SortOption, SourceOption, TargetOption, asked, progress
from cli.context import JsonOption
from cli.errors import OUTCOME, UNASKED, CliError
from cli.output import console, json_line, say, table

if TYPE_CHECKING:
    from cli.backtesting.history import Tally
    from cli.sending.lines import Faulty, Line
    from services.analytics.outcomes import Difference, Outcome, Past, Raised
    from services.analytics.rules import Rules

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The rules by which alerts are raised: compare.")
SHOWN = 10  # alerts gained and lost that are named


@app.callback()
def rules() -> None:
    """Without it a single command would take the place of the verb."""


@app.command()
def compare(
    old: Annotated[str, typer.Argument(help="A file of rules (TOML), or the name of those of this release.")],
    new: Annotated[str, typer.Argument(help="The same.")],
    events: Annotated[Path, typer.Option("--events", help="JSON lines, also .gz, in order of time.")],
    horizon: HorizonOption = None,
    target: TargetOption = None,
    sort: SortOption = False,
    source: SourceOption = "web-shop",
    as_json: JsonOption = False,
) -> None:
    """Judge a history under two versions of the rules: alerts gained and lost, and which of them were right."""
    from cli.backtesting.history import past_of, read_history
    from services.analytics.outcomes import difference

    one, other = (asked(_rules(word), horizon, target) for word in (old, new))
    _check(one, other)
    items, total = read_history(events, source, sort=sort)
    with progress(total, quiet=as_json, what=one.name) as on_day:
        before, tally = _raised(items, one, on_day)
    with progress(total, quiet=as_json, what=other.name) as on_day:
        after, _ = _raised(items, other, on_day)
    past = past_of(tally, one)
    outcomes = {one.name: past.outcome(before), other.name: past.outcome(after)}
    _tell(past, outcomes, difference(past, before, after), as_json=as_json)
    if tally.refused:
        say(f"Lines that are no events: {tally.refused:,}; `tenure backtest` says which")
        raise typer.Exit(OUTCOME)


def _rules(word: str) -> "Rules":
    from cli.backtesting.history import rules_of
    from services.analytics.rules import Rules

    return Rules() if word == Rules().name else rules_of(Path(word))


def _check(one: "Rules", other: "Rules") -> None:
    if one.name == other.name:
        raise CliError(f"Both are called {one.name}: nobody could tell their alerts apart.", UNASKED)
    if one.target != other.target:
        raise CliError(f"To one a lapse is the absence of a {one.target}, to the other of a {other.target}.", UNASKED)
    if one.horizon_days != other.horizon_days:
        far = f"{one.horizon_days:g} and {other.horizon_days:g} days"
        raise CliError(f"They look ahead {far}: what is right under one may be wrong under the other.", UNASKED)


def _raised(
    items: "Callable[[], Iterable[Line | Faulty]]", rules: "Rules", on_day: "Callable[[Tally], None]"
) -> "tuple[list[Raised], Tally]":
    from cli.backtesting.history import Tally, outputs
    from services.analytics.core import AlertOut
    from services.analytics.outcomes import Raised
    from services.analytics.replay import Replay
    from shared.contracts.analytics import AttritionAlertRaised, read_alert
    from shared.contracts.values import to_micros

    tally = Tally()
    found = outputs(items(), Replay(rules, is_scored=False), tally, on_day=on_day)
    alerts = (read_alert(output.value) for output in found if isinstance(output, AlertOut))
    return [Raised(a.subject, to_micros(a.time)) for a in alerts if a.type == AttritionAlertRaised.TYPE], tally


def _told(past: "Past", alert: "Raised") -> dict[str, Any]:
    from shared.contracts.values import format_time, from_micros

    return {
        "customer_id": alert.customer,
        "time": format_time(from_micros(alert.at)),
        "right": past.was_right(alert),
    }


def _tell(past: "Past", outcomes: "dict[str, Outcome]", found: "Difference", *, as_json: bool) -> None:
    from cli.backtesting.outcome_table import outcome_figures, outcome_rows

    told = {"gained": [_told(past, a) for a in found.gained], "lost": [_told(past, a) for a in found.lost]}
    if as_json:
        figures = {name: outcome_figures(outcome) for name, outcome in outcomes.items()}
        json_line({"rules": figures, "both": found.both, "earlier_days": found.earlier_days, **told})
        return
    table(("", *outcomes), outcome_rows(list(outcomes.values())), right=tuple(outcomes))
    out = console()
    out.print(f"{found.both:,} alerts in both{_sooner(found.earlier_days)}")
    for word, alerts in told.items():
        right = sum(alert["right"] is True for alert in alerts)
        out.print(f"{len(alerts):,} {word}, {right:,} of them right" + (":" if alerts else ""))
        for alert in alerts[:SHOWN]:
            became = {True: "right", False: "wrong", None: "not known yet"}[alert["right"]]
            out.print(f"  {alert['time'][:10]}  {alert['customer_id']}  {became}")


def _sooner(days: float | None) -> str:
    if days is None:
        return ""
    return f", {abs(days):g} days {'earlier' if days > 0 else 'later'} at the median" if days else ", at the same time"

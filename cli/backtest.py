"""`tenure backtest`: what would the rules have said about a history? The judgement of the service itself over a file.

Exit code 0 when every line was an event, 1 when some were not, 2 when it could not begin.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.backtesting.options import HorizonOption, SortOption, SourceOption, TargetOption, asked, progress
from cli.context import JsonOption
from cli.errors import OUTCOME
from cli.output import console, json_line, say, table

if TYPE_CHECKING:
    from cli.backtesting.files import Told
    from cli.backtesting.history import Tally
    from cli.backtesting.report import Material
    from cli.backtesting.risk_on_days import Figures, RiskOnDays
    from cli.sending.lines import Faulty, Line
    from services.analytics.outcomes import Past
    from services.analytics.rules import Rules


def backtest(
    events: Annotated[
        Path,
        typer.Option("--events", help="JSON lines, also .gz: CloudEvents or the neutral format, in order of time."),
    ],
    horizon: HorizonOption = None,
    target: TargetOption = None,
    alerts: Annotated[Path | None, typer.Option(help="Writes a line for every sign of every alert.")] = None,
    scores: Annotated[Path | None, typer.Option(help="Writes everybody's risk, every seven days.")] = None,
    messages: Annotated[Path | None, typer.Option(help="Writes the alerts as they stand on the topic.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Writes one HTML page with pictures. Holds all scores in memory.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Figures that differ from the rules of this release: TOML.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", help="Time passes up to the end of this day, if the file ends before.")
    ] = None,
    on: Annotated[
        list[datetime] | None, typer.Option("--on", help="A day: was the risk at its end right? As often as need be.")
    ] = None,
    sort: SortOption = False,
    source: SourceOption = "web-shop",
    as_json: JsonOption = False,
) -> None:
    """Judge a history from a file: no server, no clock, the same bytes every time.

    Alerts are those that the service publishes for the same file sent with `tenure send --history`, byte for byte.
    """
    from cli.backtesting.files import Told, lines_to, score_line
    from cli.backtesting.history import Tally, outputs, past_of, read_history, rules_of
    from cli.backtesting.report import Material
    from cli.backtesting.risk_on_days import RiskOnDays
    from services.analytics.core import AlertOut
    from services.analytics.population.segments import SegmentOut
    from services.analytics.replay import Replay, Score

    judged = asked(rules_of(rules), horizon, target)
    replay = Replay(judged, is_scored=any((scores, report, on)))
    items, total = read_history(events, source, sort=sort)
    tally, told, scored, began = Tally(), Told(), 0, time.monotonic()
    material, days = None if report is None else Material(), RiskOnDays([_utc(day) for day in on or ()])
    with (
        lines_to(alerts) as write_alert,
        lines_to(scores) as write_score,
        lines_to(messages) as write_message,
        progress(total, quiet=as_json) as on_day,
    ):
        for output in outputs(items(), replay, tally, until=_end_of(until), on_day=on_day):
            if isinstance(output, Score):
                write_score(score_line(output))
                days.take(output)
                scored += 1
                if material is not None:
                    material.take_score(output)
            elif isinstance(output, AlertOut | SegmentOut):
                write_message(output.value)
                for line in told.lines(output):
                    write_alert(line)
                    if material is not None:
                        material.take_alert(line)
    if report is not None and material is not None:
        report.write_text(_page(judged, material, items, tally), encoding="utf-8")
    summary = _summary(judged, tally, told, scored, replay.fitted_to_one_in, time.monotonic() - began)
    _tell(summary, _figures(days, past_of(tally, judged)), tally, as_json=as_json)
    if tally.refused:
        raise typer.Exit(OUTCOME)


def _utc(day: datetime) -> datetime:
    return day.replace(hour=0, minute=0, second=0, tzinfo=UTC)


def _end_of(day: datetime | None) -> datetime | None:
    return None if day is None else _utc(day) + timedelta(days=1)


def _page(rules: "Rules", material: "Material", items: "Callable[[], Iterable[Line | Faulty]]", tally: "Tally") -> str:
    from cli.backtesting.history import lives_of, past_of
    from cli.backtesting.report import page

    past = past_of(tally, rules)
    shown = {alert.customer for alert in material.examples(past)}
    return page(rules.name, material, past, lives_of(shown, items()))


def _figures(days: "RiskOnDays", past: "Past") -> "list[Figures]":
    for day in days.not_over(past):
        say(f"{day}: its horizon ends after the history, so nobody knows what came of it")
    return list(days.figures(past))


def _summary(rules: "Rules", tally: "Tally", told: "Told", scores: int, one_in: int, seconds: float) -> dict[str, Any]:
    return {
        "rules": rules.name,
        "horizon_days": rules.horizon_days,
        "events": tally.events,
        "twice": tally.twice,
        "refused": tally.refused,
        "customers": len(tally.customers),
        "alerts": told.alerts,
        "signs": dict(sorted(told.by_sign.items())),
        "segments": dict(sorted(told.segments.items())),
        "scores": scores,
        "fitted_to_one_in": one_in,
        "seconds": round(seconds, 3),
    }


def _tell(summary: dict[str, Any], figures: "Sequence[Figures]", tally: "Tally", *, as_json: bool) -> None:
    from cli.backtesting.risk_on_days import documents, rows

    for line, reason in tally.first_refusals:
        say(f"line {line}: {reason}")
    if as_json:
        json_line({**summary, "risk_on": documents(figures)})
        return
    out = console()
    out.print(f"{summary['events']:,} events of {summary['customers']:,} customers in {summary['seconds']:.1f} s")
    if tally.twice or tally.refused:
        out.print(f"{tally.twice:,} sent twice, {tally.refused:,} no events")
    out.print(f"{summary['alerts']:,} alerts under rules {summary['rules']}, {summary['scores']:,} scores")
    if summary["fitted_to_one_in"] > 1:
        out.print(f"Models fitted to one customer in {summary['fitted_to_one_in']}, chosen by a hash of the id")
    for sign, count in summary["signs"].items():
        out.print(f"  {sign:24}{count:>8,}")
    for sign, count in summary["segments"].items():
        out.print(f"  {sign:24}{count:>8,}  of segments and the whole base")
    if figures:
        columns = ("customers", "lapsed", "AUC", "Brier", "ECE")
        table(("risk on", *columns), rows(figures), right=columns)

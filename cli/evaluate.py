"""`tenure evaluate`: were the alerts right? Read from the log, by version of the rules.

Exit code 0 when there were alerts to evaluate, 1 when there were none, 2 when nobody could be asked.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from cli.backtesting.options import Target
from cli.context import JsonOption, KafkaOption, kafka_place
from cli.errors import OUTCOME
from cli.output import console, json_line, say, table

if TYPE_CHECKING:
    from cli.backtesting.log_past import LogPast
    from services.analytics.outcomes import Past


def evaluate(
    horizon: Annotated[
        float | None, typer.Option(min=1, help="Days the risk looks ahead. Default: as this release has it.")
    ] = None,
    target: Annotated[Target, typer.Option(help="What the lapse is the absence of.")] = Target.PURCHASE,
    kafka: KafkaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold the alerts that were raised against what customers did afterwards: precision, recall, lead, calibration."""
    from cli.backtesting.log_past import TOPICS, LogPast
    from cli.topic_reader import read_to_end
    from services.analytics.rules import Rules

    found = LogPast(target.value)
    asyncio.run(read_to_end(kafka_place(kafka), TOPICS, found.take))
    tell(found, horizon or Rules().horizon_days, target, as_json=as_json)


def tell(found: "LogPast", horizon_days: float, target: Target, *, as_json: bool) -> None:
    from services.analytics.outcomes import Past

    if found.unreadable:
        say(f"{found.unreadable:,} records could not be read: see `tenure dead-letters --service analytics`")
    if not found.raised:
        say("No alert has been raised yet.")
        raise typer.Exit(OUTCOME)
    past = Past(found.occasions(), until=found.clock(), horizon_days=horizon_days)
    (_as_json if as_json else _as_tables)(past, found, target)


def _as_json(past: "Past", found: "LogPast", target: Target) -> None:
    from cli.backtesting.outcome_table import outcome_figures
    from services.analytics.outcomes import calibration
    from shared.contracts.values import format_time, from_micros

    until = format_time(from_micros(found.clock()))
    for rules, raised in sorted(found.raised.items()):
        bands = [band._asdict() for band in calibration(past, raised)]
        json_line(
            {
                "rules": rules,
                "until": until,
                "horizon_days": past.horizon_days,
                "target": target.value,
                **outcome_figures(past.outcome(raised)),
                "calibration": bands,
            }
        )


def _as_tables(past: "Past", found: "LogPast", target: Target) -> None:
    from cli.backtesting.outcome_table import outcome_rows
    from services.analytics.outcomes import calibration
    from shared.contracts.values import from_micros

    names = sorted(found.raised)
    until = f"{from_micros(found.clock()):%Y-%m-%d %H:%M}"
    console().print(f"Up to {until}; a lapse is {past.horizon_days:g} days without {target.value}")
    table(("", *names), outcome_rows([past.outcome(found.raised[name]) for name in names]), right=names)
    for name in names:
        rows = [
            (f"{band.low:.2f} to {min(1.0, band.high):.2f}", f"{band.known:,}", f"{band.said:.1%}", f"{band.came:.1%}")
            for band in calibration(past, found.raised[name])
        ]
        if rows:
            table((f"risk under {name}", "alerts", "said", "came true"), rows, right=("alerts", "said", "came true"))

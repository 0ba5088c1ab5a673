"""`tenure explain`: one customer's life in a picture: events, own rhythm, risk over time, alerts and why.

The events are those of the timeline; the risk is what the judgement makes of them, week by week, by the models that
were in force then.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import ApiOption, KafkaOption, KeyOption, connect, kafka_place
from cli.errors import UNASKED, CliError
from cli.output import console
from cli.timeline import read
from cli.wording import measure
from shared.contracts.values import format_time

if TYPE_CHECKING:
    from cli.backtesting.life import Life
    from services.analytics.core import Observation
    from services.analytics.population.part import Result
    from services.analytics.rules import Rules
    from shared.broker import Record

ALERT = "tenure.attrition-alert-"
MOST_WIDE = 120


def explain(
    customer: Annotated[str, typer.Argument(help="The customer's id, exactly as channels write it.")],
    svg: Annotated[Path | None, typer.Option("--svg", help="Writes the picture as an SVG file instead.")] = None,
    png: Annotated[Path | None, typer.Option("--png", help="The same as a PNG file; both may be asked for.")] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", help="Up to this day. Default: a week after the last event.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="Those that judged, where they are not this release's: TOML.")
    ] = None,
    api: ApiOption = None,
    key: KeyOption = None,
    kafka: KafkaOption = None,
) -> None:
    """Draw one customer's life: what happened, how the risk went, where the alerts were and why."""
    from cli.backtesting.history import rules_of
    from cli.backtesting.life import drawing

    end = None if until is None else until.replace(tzinfo=UTC)
    asked = {"order": "asc"} if end is None else {"order": "asc", "to": format_time(end)}
    with connect(api, key) as client:
        entries = list(read(client, customer, asked))
    observed = _observed(customer, entries)
    if not any(o.inbound for o in observed):
        raise CliError(f"{customer} has done nothing by then that is judged: see `tenure timeline {customer}`.")
    judged = rules_of(rules)
    life = _life(entries, observed, end, judged, _results(kafka, judged))
    if svg or png:
        _write(life, svg, png)
        return
    out = console()
    for line in drawing(life, min(MOST_WIDE, out.width)):
        print(line)
    for line in _words(life, entries):
        print(line)


def _observed(customer: str, entries: Sequence[dict[str, Any]]) -> "list[Observation]":
    """What the judgement takes of the timeline, in order of time."""
    import msgspec

    from services.analytics.facts import LogFact, observation

    envelopes = (
        {
            "source": e["source"], "type": e["type"], "subject": customer, "time": e["time"], "data": e["data"],
            "sequence": str(e["sequence"]), "causeid": e["cause"] or "", "inputid": e["input"],
        }
        for e in entries
        if not e["type"].startswith(ALERT)
    )  # fmt: skip
    facts = (msgspec.convert(envelope, LogFact) for envelope in envelopes)
    return [seen for fact in facts if (seen := observation(fact)) is not None]


def _results(kafka: str | None, rules: "Rules") -> "Mapping[int, Result]":
    """What has been found of the whole base, by week: the models that the risk was judged by."""
    from cli.topic_reader import read_to_end
    from services.analytics.population.results import OtherRules, Results
    from shared.topics import POPULATION

    records: list[Record] = []
    asyncio.run(read_to_end(kafka_place(kafka), [POPULATION], records.append))
    results = Results(rules)
    try:
        results.take(records)
    except OtherRules:
        raise CliError(
            f"Rules {rules.name!r} have judged this log by other figures: say with --rules by which.", UNASKED
        ) from None
    return results.by_week


def _life(
    entries: Sequence[dict[str, Any]],
    observed: "Sequence[Observation]",
    until: datetime | None,
    rules: "Rules",
    results: "Mapping[int, Result]",
) -> "Life":
    from cli.backtesting.life import Happened, Life
    from services.analytics.replay import risk_by_week
    from services.analytics.state import WEEK
    from shared.contracts.values import parse_time, to_micros

    alerts = [
        Happened(to_micros(parse_time(e["time"])), e["type"].removeprefix(ALERT).partition(".")[0])
        for e in entries
        if e["type"].startswith(ALERT)
    ]
    end = max(o.at for o in observed) + WEEK if until is None else to_micros(until)
    events = [Happened(o.at, o.kind) for o in observed if o.inbound]
    return Life(events, list(risk_by_week(observed, rules, end, results)), alerts)


def _words(life: "Life", entries: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield ""
    if life.rhythm_days is not None:
        awaited = "; · is where the next would be" if life.awaited() else ""
        yield f"Buys every {life.rhythm_days:.0f} days on average, on {len(life.bought_on):,} days so far{awaited}."
    if life.risk:
        yield f"Risk {life.risk[-1][1]:.0%} at the end of the picture."
    for e in entries:
        if e["type"].startswith(ALERT):
            words = [e["type"].removeprefix(ALERT).partition(".")[0]]
            reasons = ", ".join(c["reason"] for c in e["data"].get("contributions", ()))
            advice = measure(e["data"]["recommended"]) if e["data"].get("recommended") else ""
            words += ["; ".join(filter(None, (reasons, advice)))]
            yield f"{e['time'][:10]}  {': '.join(filter(None, words))}"


def _write(life: "Life", svg: Path | None, png: Path | None) -> None:
    from cli.backtesting.life import picture
    from cli.backtesting.png import rasterised

    drawn = picture(life)
    if svg is not None:
        svg.write_text(drawn, encoding="utf-8")
    if png is not None:
        png.write_bytes(rasterised(drawn))

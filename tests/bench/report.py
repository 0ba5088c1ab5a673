"""How is it told? A table for each part for people, one JSON object for programs; both say on which machine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tests.bench.alone import FLOOR, Pair, median
from tests.bench.inside import Inside
from tests.bench.latency import Latency
from tests.bench.usage import Measured
from tests.bench.whole import Passage, Share

FIGURES = ("events", "records", "CPU s", "idle %", "µs/event", "µs/record", "MiB", "x floor")
NOTE = """\
events     sent; of a domain service the causes it decided: channels' events, facts of the others, the clock's
records    that the process read from topics
CPU, µs    processor time, user and system
idle %     of a core, with nothing to do, just before; it is part of the rest for as long as the run takes
MiB        resident, at the end; alone: at most
x floor    µs/record as a multiple of an aiokafka loop that only validates the same records
events in  so many seconds: until all was judged and shown; sent: until the gateway had accepted all"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured, each part under its name; what was not asked for is empty."""

    machine: Mapping[str, str]
    passages: Mapping[str, Passage]
    alone: Mapping[str, Sequence[Pair]]
    latency: Latency | None
    inside: Inside | None

    def as_json(self) -> dict[str, Any]:
        rounds = {
            name: {"ratio": median(pairs).ratio, "rounds": [asdict(pair) for pair in pairs]}
            for name, pairs in self.alone.items()
        }
        together = {
            name: {"events_per_s": passage.events_per_s, **asdict(passage)} for name, passage in self.passages.items()
        }
        latency = None if self.latency is None else asdict(self.latency)
        inside = None if self.inside is None else msgspec.to_builtins(self.inside)
        return {
            "machine": dict(self.machine), "together": together, "alone": rounds, "latency": latency, "inside": inside
        }  # fmt: skip


def page(outcome: Outcome) -> Group:
    machine = Table(box=None, show_header=False, pad_edge=False)
    for name, value in outcome.machine.items():
        machine.add_row(name, Text(value))
    tables = [_table(name, passage) for name, passage in outcome.passages.items()]
    alone = [_alone(outcome.alone)] if outcome.alone else []
    inside = [] if outcome.inside is None else [_inside(outcome.inside)]
    return Group(machine, "", *map(Text, _sentences(outcome)), "", *tables, *alone, *inside, Text(NOTE))


def _sentences(outcome: Outcome) -> Iterator[str]:
    first: Passage | None = None
    for name, passage in outcome.passages.items():
        first = first or passage
        compared = "" if passage is first else f", {passage.events_per_s / first.events_per_s:.2f} x the first"
        yield (
            f"{name}: {passage.events:,} events in {passage.seconds:.1f} s, {passage.events_per_s:,.0f} a second"
            f"{compared}; sent in {passage.sent_s:.1f} s."
        )
    if outcome.latency is not None:
        one = outcome.latency
        yield (
            f"Publish to alert at {one.rate:,.0f} events a second: p50 {one.p50_ms:.0f} ms, p99 {one.p99_ms:.0f} ms, "
            f"worst {one.worst_ms:.0f} ms, of {one.alerts:,} alerts in {one.seconds:.0f} s."
        )


def _table(name: str, passage: Passage) -> Table:
    table = _figures(name)
    for share in passage.shares:
        table.add_row(*_share(share))
    return table


def _alone(alone: Mapping[str, Sequence[Pair]]) -> Table:
    table = _figures(f"alone, {max(map(len, alone.values()))} rounds")
    for name, pairs in alone.items():
        pair = median(pairs)
        table.add_row(*_measured(f"{FLOOR} beside {name}", pair.floor, 1.0))
        table.add_row(*_measured(name, pair.reader, pair.ratio))
    return table


def _inside(inside: Inside) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("analytics by itself")
    table.add_column("here", justify="right")
    table.add_column("beside")
    for row in inside.rows():
        table.add_row(*row)
    return table


def _figures(name: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(name)
    for figure in FIGURES:
        table.add_column(figure, justify="right")
    return table


def _share(share: Share) -> tuple[str, ...]:
    us = share.cpu_s * 1e6
    records, per_record = (f"{share.records:,}", f"{us / share.records:,.0f}") if share.records else ("", "")
    per_event = f"{us / share.events:,.0f}" if share.events else ""
    used = f"{share.cpu_s:.1f}", f"{share.idle:.1%}".removesuffix("%")
    return share.name, f"{share.events:,}", records, *used, per_event, per_record, f"{share.mib:.0f}"


def _measured(name: str, measured: Measured, ratio: float) -> tuple[str, ...]:
    per_record, mib = f"{measured.us_per_record:.1f}", f"{measured.mib:.0f}"
    return name, "", f"{measured.records:,}", f"{measured.cpu_s:.2f}", "", "", per_record, mib, f"{ratio:.2f}"

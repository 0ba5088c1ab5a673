"""How is it told? One table for people, one JSON object for programs; both say on which machine."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tests.bench.alone import FLOOR, Pair, median
from tests.bench.usage import Measured
from tests.bench.whole import Passage, Share

FIGURES = ("events", "records", "CPU s", "idle %", "µs/event", "µs/record", "MiB", "x floor")
NOTE = """\
events     sent; of a domain service the causes it decided: channels' events, facts of the others, the clock's
records    that the process read from topics
CPU, µs    processor time, user and system
idle %     of a core, with nothing to do, just before; it is part of the rest for as long as the run takes
MiB        resident, at the end; alone: at most
x floor    µs/record as a multiple of an aiokafka loop that only validates the same records"""


@dataclass(frozen=True, slots=True)
class Outcome:
    machine: Mapping[str, str]
    passage: Passage
    alone: Mapping[str, Sequence[Pair]]

    def as_json(self) -> dict[str, Any]:
        rounds = {
            name: {"ratio": median(pairs).ratio, "rounds": [asdict(pair) for pair in pairs]}
            for name, pairs in self.alone.items()
        }
        rate = self.passage.events / self.passage.seconds
        return {"machine": dict(self.machine), "whole": {"events_per_s": rate, **asdict(self.passage)}, "alone": rounds}


def page(outcome: Outcome) -> Group:
    machine = Table(box=None, show_header=False, pad_edge=False)
    for name, value in outcome.machine.items():
        machine.add_row(name, Text(value))
    return Group(machine, "", *map(Text, _sentences(outcome)), _table(outcome), Text(NOTE))


def _sentences(outcome: Outcome) -> list[str]:
    passage, rounds = outcome.passage, max(map(len, outcome.alone.values()))
    return [
        f"Together: {passage.events:,} events in {passage.seconds:.1f} s, {passage.events / passage.seconds:,.0f} "
        f"a second, until all was judged and shown; all was sent after {passage.sent_s:.1f} s.",
        f"Alone: one reader over the log of {passage.facts:,} records, the middle one of {rounds} rounds.",
    ]


def _table(outcome: Outcome) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("together")
    for name in FIGURES:
        table.add_column(name, justify="right")
    for share in outcome.passage.shares:
        table.add_row(*_share(share))
    table.add_section()
    table.add_row("alone")
    for name, pairs in outcome.alone.items():
        pair = median(pairs)
        table.add_row(*_measured(f"{FLOOR} beside {name}", pair.floor, 1.0))
        table.add_row(*_measured(name, pair.reader, pair.ratio))
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

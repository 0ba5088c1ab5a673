"""One customer's life as a picture: what happened, how the risk went, where alerts were. For a page and for a terminal.

In: events, alerts and the risk at some instants. Out: SVG, or lines of text of a given width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from cli.backtesting.svg import Axis, Series, even, plot, sheet
from services.analytics.state import DAY
from shared.contracts.values import from_micros

BARS = "▁▂▃▄▅▆▇█"
SEVERAL = "●"
ONE = "•"
AWAITED = "·"
RHYTHM_OF = "purchase"
BELOW = 0.06  # of the picture's height for each row of events


class Happened(NamedTuple):
    at: int  # micros
    kind: str


@dataclass(frozen=True, slots=True)
class Life:
    """`risk`: instants in order, and the risk as of them. `alerts`: when each message was, and its word."""

    events: Sequence[Happened]
    risk: Sequence[tuple[int, float]]
    alerts: Sequence[Happened]

    @property
    def span(self) -> tuple[int, int]:
        instants = [*(e.at for e in self.events), *(a.at for a in self.alerts), *(at for at, _ in self.risk)]
        return min(instants), max(instants)

    @property
    def bought_on(self) -> Sequence[int]:
        """Days since 1970, in order."""
        return sorted({e.at // DAY for e in self.events if e.kind == RHYTHM_OF})

    @property
    def rhythm_days(self) -> float | None:
        """The customer's own: the mean gap between days with a purchase. None before the second."""
        days = self.bought_on
        return (days[-1] - days[0]) / (len(days) - 1) if len(days) > 1 else None

    def awaited(self) -> list[int]:
        """Where purchases would be, had they gone on in the own rhythm."""
        if self.rhythm_days is None:
            return []
        gap, last = round(self.rhythm_days * DAY), max(e.at for e in self.events if e.kind == RHYTHM_OF)
        return list(range(last + gap, self.span[1] + 1, gap))


def figure(life: Life) -> str:
    """For a page."""
    return plot(*_chart(life))


def picture(life: Life) -> str:
    """For a file of its own."""
    return sheet(*_chart(life))


def _chart(life: Life) -> tuple[Axis, Axis, Sequence[Series]]:
    """Events by kind below, purchases that are awaited with their row; the risk above them, a line at each alert."""
    first, last = life.span
    rows = list(_by_kind(life.events).items())
    dots = [
        Series(kind, [(at, -BELOW * (n + 1)) for at in instants], marked=True, joined=False)
        for n, (kind, instants) in enumerate(rows)
    ]
    row = next((n for n, (kind, _) in enumerate(rows) if kind == RHYTHM_OF), 0)
    if awaited := [(at, -BELOW * (row + 1)) for at in life.awaited()]:
        dots.append(Series("own rhythm", awaited, marked=True, joined=False, faint=True))
    alerts = [Series("alert", [(at, 0), (at, 1)], faint=True, label=word) for at, word in life.alerts]
    ticks = [(float(at), f"{from_micros(at):%Y-%m-%d}") for at in (first + (last - first) * n // 4 for n in range(5))]
    return (
        Axis("", first, last, ticks),
        Axis("risk", -BELOW * (len(rows) + 1), 1, even(0, 1, 5, ".0%")),
        [Series("risk", life.risk), *dots, *alerts],
    )


def drawing(life: Life, width: int) -> list[str]:
    """A row for each kind, one for the risk, one for the alerts, and the dates; `width` characters wide."""
    first, last = life.span
    kinds = _by_kind(life.events)
    margin = max(map(len, (*kinds, "alerts"))) + 2
    columns = max(20, width - margin)

    def column(at: int) -> int:
        return min(columns - 1, (at - first) * columns // (last - first)) if last > first else 0

    rows = {kind: _marks([column(at) for at in instants], columns) for kind, instants in kinds.items()}
    for place in map(column, life.awaited()):
        row = rows[RHYTHM_OF]
        rows[RHYTHM_OF] = row if row[place] != " " else f"{row[:place]}{AWAITED}{row[place + 1 :]}"
    rows["risk"] = _bars([(column(at), risk) for at, risk in life.risk], columns)
    rows["alerts"] = _letters([(column(at), word) for at, word in life.alerts], columns)
    begin, end = f"{from_micros(first):%Y-%m-%d}", f"{from_micros(last):%Y-%m-%d}"
    rows[""] = begin + " " * (columns - len(begin) - len(end)) + end
    return [f"{name:<{margin}}{row}".rstrip() for name, row in rows.items()]


def _by_kind(events: Sequence[Happened]) -> Mapping[str, list[int]]:
    in_order = sorted(events, key=lambda event: (event.kind, event.at))
    return {kind: [event.at for event in some] for kind, some in groupby(in_order, key=lambda event: event.kind)}


def _marks(columns: Sequence[int], width: int) -> str:
    return "".join(" " if not (n := columns.count(place)) else ONE if n == 1 else SEVERAL for place in range(width))


def _bars(risk: Sequence[tuple[int, float]], width: int) -> str:
    """The newest in each column; a column without one is as the one before it."""
    newest, row = dict(risk), ""
    for place in range(width):
        bar = " " if not row else row[-1]
        row += BARS[min(len(BARS) - 1, int(newest[place] * len(BARS)))] if place in newest else bar
    return row


def _letters(words: Sequence[tuple[int, str]], width: int) -> str:
    first = dict(reversed([(place, word[0].upper()) for place, word in words]))
    return "".join(first.get(place, " ") for place in range(width))

"""Plots as SVG: axes, lines and points, in a fixed size. Text in, text out; the same for the same figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 36, 12, 44  # margins, where the labels stand
COLOURS = ("#1b6ca8", "#c8553d", "#3c8d40", "#8e5bb5", "#c59a1a", "#3aa6a0", "#777777")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """`marked`: a dot at each point; `joined`: a line through them. `faint`: dashed and grey, to compare with."""

    name: str
    points: Sequence[Point]
    marked: bool = False
    joined: bool = True
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """`ticks`: where, and what is written there."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]

    def share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5


def plot(x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """One picture with a legend below it."""
    drawn = [_line(x, y, one, COLOURS[n % len(COLOURS)]) for n, one in enumerate(series)]
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{_frame(x, y)}{"".join(drawn)}</svg>'
    return f"<figure>{picture}<figcaption>{_legend(series)}</figcaption></figure>"


def even(low: float, high: float, steps: int, form: str) -> list[tuple[float, str]]:
    values = (low + (high - low) * n / steps for n in range(steps + 1))
    return [(value, format(value, form)) for value in values]


def _line(x: Axis, y: Axis, one: Series, colour: str) -> str:
    places = [_place(x, y, point) for point in one.points]
    colour, dashes = ("#999999", ' stroke-dasharray="4 4"') if one.faint else (colour, "")
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
    dots = (f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in places if one.marked)
    line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dashes}/>'
    return (line if one.joined else "") + "".join(dots)


def _place(x: Axis, y: Axis, point: Point) -> Point:
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return LEFT + across * x.share(point[0]), TOP + down * (1 - y.share(point[1]))


def _frame(x: Axis, y: Axis) -> str:
    bottom = HEIGHT - BOTTOM
    marks = [
        *(_tick(_place(x, y, (at, y.low))[0], bottom + 16, text, "middle") for at, text in x.ticks),
        *(_tick(LEFT - 6, _place(x, y, (x.low, at))[1] + 4, text, "end") for at, text in y.ticks),
        _tick((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x.label, "middle"),
        f'<g transform="rotate(-90 12 {(TOP + bottom) / 2:g})">{_tick(12, (TOP + bottom) / 2, y.label, "middle")}</g>',
    ]
    lines = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{py:.1f}" y2="{py:.1f}" stroke="#e4e4e4"/>'
        for py in (_place(x, y, (x.low, at))[1] for at, _ in y.ticks)
    )
    return lines + f'<path d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}" fill="none" stroke="#444"/>' + "".join(marks)


def _tick(px: float, py: float, text: str, anchor: str) -> str:
    return f'<text x="{px:.1f}" y="{py:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _legend(series: Iterable[Series]) -> str:
    colours = ("#999999" if one.faint else COLOURS[n % len(COLOURS)] for n, one in enumerate(series))
    names = (escape(one.name) for one in series)
    return " ".join(
        f'<span style="color:{colour}">&#9632;</span> {name}' for colour, name in zip(colours, names, strict=True)
    )

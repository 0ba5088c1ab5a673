"""Plots as SVG: axes, lines and points, in a fixed size. Text in, text out; the same for the same figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 300
ENTRIES, ENTRY_HEIGHT = 4, 20  # of the legend of a sheet: on a line, and how high a line is
LEFT, RIGHT, TOP, BOTTOM = 56, 36, 12, 44  # margins, where the labels stand
COLOURS = ("#1b6ca8", "#c8553d", "#3c8d40", "#8e5bb5", "#c59a1a", "#3aa6a0", "#777777")
GREY, PAPER = "#999999", "#ffffff"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """`marked`: a dot at each point; `joined`: a line through them. `faint`: dashed and grey, to compare with.
    `label`: stands upright beside the last point."""

    name: str
    points: Sequence[Point]
    marked: bool = False
    joined: bool = True
    faint: bool = False
    label: str = ""


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
    """A figure of a page: the picture, with a legend below it."""
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{_drawn(x, y, series)}</svg>'
    legend = " ".join(
        f'<span style="color:{colour}">&#9632;</span> {escape(name)}' for name, colour in _colours(series).items()
    )
    return f"<figure>{picture}<figcaption>{legend}</figcaption></figure>"


def sheet(x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """A file of its own: it has its size, its font and its paper, and the legend is part of the picture."""
    legend = list(_colours(series).items())
    height = HEIGHT + ENTRY_HEIGHT * (1 + -(-len(legend) // ENTRIES))
    entries = "".join(_entry(n, name, colour) for n, (name, colour) in enumerate(legend))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" font-family="sans-serif" font-size="12"><rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>'
        f"{_drawn(x, y, series)}{entries}</svg>\n"
    )


def even(low: float, high: float, steps: int, form: str) -> list[tuple[float, str]]:
    values = (low + (high - low) * n / steps for n in range(steps + 1))
    return [(value, format(value, form)) for value in values]


def _line(x: Axis, y: Axis, one: Series, colour: str) -> str:
    places = [_place(x, y, point) for point in one.points]
    colour, dashes = (GREY, ' stroke-dasharray="4 4"') if one.faint else (colour, "")
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
    dots = (f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>' for px, py in places if one.marked)
    line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dashes}/>'
    return (line if one.joined else "") + "".join(dots) + (_upright(places[-1], one.label) if one.label else "")


def _upright(place: Point, text: str) -> str:
    px, py = place
    return f'<g transform="rotate(-90 {px:.1f} {py:.1f})" font-size="10">{_tick(px, py - 3, text, "end")}</g>'


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


def _entry(number: int, name: str, colour: str) -> str:
    """Of the legend, which has a few on a line."""
    down, across = divmod(number, ENTRIES)
    px, py = LEFT + across * (WIDTH - LEFT) / ENTRIES, HEIGHT + ENTRY_HEIGHT * (down + 0.5)
    square = f'<rect x="{px:.1f}" y="{py - 9:.1f}" width="9" height="9" fill="{colour}"/>'
    return square + _tick(px + 14, py, name, "start")


def _drawn(x: Axis, y: Axis, series: Sequence[Series]) -> str:
    return _frame(x, y) + "".join(_line(x, y, one, COLOURS[n % len(COLOURS)]) for n, one in enumerate(series))


def _colours(series: Sequence[Series]) -> dict[str, str]:
    """What a legend says: each name once, in the order of the series."""
    return {one.name: GREY if one.faint else COLOURS[n % len(COLOURS)] for n, one in enumerate(series)}

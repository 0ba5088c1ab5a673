"""What came of a back-test, on one page: is a risk what it says, how early are alerts right, which signs when, and ten
customers. Self-contained HTML; the same bytes for the same figures.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from operator import itemgetter
from zlib import crc32

from cli.backtesting.life import Happened, Life, figure
from cli.backtesting.outcome_table import outcome_rows
from cli.backtesting.svg import Axis, Series, even, plot
from services.analytics.outcomes import Past, Raised
from services.analytics.replay import Score
from services.analytics.state import DAY
from shared.contracts.values import from_micros, parse_time, to_micros

BINS, EXAMPLES = 10, 10
LEAST = 5  # alerts, below which a share says nothing
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1em;color:#222}"
    "main{display:grid;grid-template-columns:repeat(auto-fit,minmax(480px,1fr));gap:1.5em}"
    "figure{margin:0}svg{width:100%;height:auto}svg text{font-size:12px;fill:#444}figcaption{font-size:13px}"
    "table{border-collapse:collapse}td{padding:.1em 1.2em .1em 0}td+td{text-align:right}h2{font-size:1.05em}"
)


class Material:
    """What a page is made of, gathered while the history is judged. All of it is held in memory."""

    def __init__(self) -> None:
        self.scores: list[Raised] = []  # everybody's, as if each had been an alert
        self.raised: list[Raised] = []
        self.signs: list[tuple[int, str]] = []
        self._alerts: set[str] = set()

    def take_score(self, score: Score) -> None:
        """Weekly ones only: whose risk moves is told more often, and must not weigh more."""
        if score.is_weekly:
            self.scores.append(Raised(score.customer, score.as_of, score.risk))

    def take_alert(self, line: bytes) -> None:
        """As `--alerts` writes it; the first line of an alert raised it. The page is about customers, not segments."""
        row = json.loads(line)
        if "scope" in row:
            return
        at = to_micros(parse_time(row["time"]))
        self.signs.append((at, row["sign"]))
        if row["alert"] not in self._alerts:
            self._alerts.add(row["alert"])
            self.raised.append(Raised(row["customer_id"], at, row.get("risk")))

    def examples(self, past: Past) -> list[Raised]:
        """As many alerts that were right as ones that were not, picked by a hash of the customer."""
        picked: list[Raised] = []
        for right in (True, False):
            one_each = {alert.customer: alert for alert in reversed(self.raised) if past.was_right(alert) is right}
            by_hash = sorted(one_each.values(), key=lambda alert: (crc32(alert.customer.encode()), alert.customer))
            picked += by_hash[: EXAMPLES // 2]
        return picked


def page(rules: str, material: Material, past: Past, lives: Mapping[str, Sequence[Happened]]) -> str:
    """`lives`: events of the examples."""
    plots = [
        ("Is a risk what it says?", _reliability(past, material.scores)),
        ("How early are alerts right?", _by_silence(past, material)),
        ("Signs told a month", _by_month(material.signs)),
    ]
    plots += [(_heading(past, alert), _life(alert, material, lives)) for alert in material.examples(past)]
    sections = "".join(f"<section><h2>{escape(name)}</h2>{picture}</section>" for name, picture in plots)
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>"
        for name, value in outcome_rows([past.outcome(material.raised)])
    )
    title = f"Back-test under rules {escape(rules)}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1><table>{cells}</table><main>{sections}</main></html>\n"
    )


def reliability(past: Past, scores: Iterable[Raised]) -> list[tuple[float, float]]:
    """(risk as it was said, share that lapsed) of ten bins of equally many scores whose outcome is known."""
    known = [(s.risk, right) for s in scores if s.risk is not None and (right := past.was_right(s)) is not None]
    known.sort(key=itemgetter(0))
    size = -(-len(known) // BINS) or 1
    bins = [known[n : n + size] for n in range(0, len(known), size)]
    return [(_mean(risk for risk, _ in some), _mean(right for _, right in some)) for some in bins]


def _reliability(past: Past, scores: Iterable[Raised]) -> str:
    ticks = even(0, 1, 5, ".0%")
    return plot(
        Axis("risk as it was said", 0, 1, ticks),
        Axis("share that lapsed", 0, 1, ticks),
        [
            Series("weekly scores, in ten bins", reliability(past, scores), marked=True),
            Series("as it should be", [(0, 0), (1, 1)], faint=True),
        ],
    )


def _by_silence(past: Past, material: Material) -> str:
    step = past.horizon_days / 9
    series = [
        Series("alerts", right_by_silence(past, material.raised, step), marked=True),
        Series("everybody after so long a silence", right_by_silence(past, material.scores, step), faint=True),
    ]
    return plot(
        Axis("days of silence", 0, 2 * past.horizon_days, even(0, 2 * past.horizon_days, 6, ".0f")),
        Axis("share that lapsed", 0, 1, even(0, 1, 5, ".0%")),
        series,
    )


def right_by_silence(past: Past, alerts: Iterable[Raised], step: float) -> list[tuple[float, float]]:
    """(days of silence, share that lapsed) of those after so many steps of it, where there are enough to say."""
    came: defaultdict[int, list[bool]] = defaultdict(list)
    for alert in alerts:
        silent, right = (alert.at - past.spell_of(alert).since) / DAY, past.was_right(alert)
        if right is not None and silent < 2 * past.horizon_days:
            came[int(silent / step)].append(right)
    return [((n + 0.5) * step, _mean(came[n])) for n in sorted(came) if len(came[n]) >= LEAST]


def told_by_month(signs: Iterable[tuple[int, str]]) -> tuple[list[str], dict[str, list[int]]]:
    """(months of UTC from the first sign to the last, how often each sign was told in each of them)."""
    counts = Counter((sign, _month(at)) for at, sign in signs)
    told = {month for _, month in counts}
    months = range(min(told, default=0), max(told, default=-1) + 1)
    names = sorted({sign for sign, _ in counts})
    return [f"{m // 12}-{m % 12 + 1:02}" for m in months], {name: [counts[name, m] for m in months] for name in names}


def _by_month(signs: Iterable[tuple[int, str]]) -> str:
    months, told = told_by_month(signs)
    step = max(1, -(-len(months) // 8))
    most = max((number for numbers in told.values() for number in numbers), default=1)
    return plot(
        Axis("month", 0, max(1, len(months) - 1), list(enumerate(months))[::step]),
        Axis("times told", 0, most, even(0, most, 4, ".0f")),
        [Series(name, list(enumerate(numbers))) for name, numbers in told.items()],
    )


def _heading(past: Past, alert: Raised) -> str:
    came = "right" if past.was_right(alert) else "wrong"
    return f"{alert.customer}, alert of {from_micros(alert.at):%Y-%m-%d}: {came}"


def _life(alert: Raised, material: Material, lives: Mapping[str, Sequence[Happened]]) -> str:
    risk = [(s.at, s.risk) for s in material.scores if s.customer == alert.customer and s.risk is not None]
    return figure(Life(lives[alert.customer], risk, [Happened(alert.at, "raised")]))


def _month(at: int) -> int:
    day = from_micros(at)
    return day.year * 12 + day.month - 1


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known) if known else 0.0

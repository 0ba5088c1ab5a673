"""Was the risk right? What it was for everybody at the end of a day, held against what they did within the horizon.

In: scores as they come, and who bought when. Out: how well it told customers apart, and whether it was what it said. Of
customers who had bought within the horizon before: of whom nothing was heard for longer, everybody knows.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from services.analytics.outcomes import Past, Raised
from services.analytics.replay import Score
from services.analytics.state import DAY, WEEK
from shared.contracts.values import to_micros

BINS = 10

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Figures(NamedTuple):
    """`auc`: the chance that of two customers the one who lapsed had the higher risk. `brier`: mean squared error.
    `ece`: mean distance of the risk from the share that lapsed, in ten bins of equally many. None: nobody to judge, or
    all of them alike."""

    on: str
    customers: int
    lapsed: float | None
    auc: float | None
    brier: float | None
    ece: float | None


class RiskOnDays:
    """`days`: at whose end; scores of the week up to then are used."""

    def __init__(self, days: Sequence[datetime]) -> None:
        self._risks: dict[datetime, dict[str, float]] = {day: {} for day in sorted(days)}
        self._ends = [(_end(day), risks) for day, risks in self._risks.items()]

    def take(self, score: Score) -> None:
        """In order of time: of several of one customer the last counts."""
        for end, risks in self._ends:
            if end - WEEK <= score.as_of < end:
                risks[score.customer] = score.risk

    def not_over(self, past: Past) -> list[str]:
        """Days of which nobody knows yet what came of them."""
        return [_name(day) for day in self._risks if not past.is_over(_end(day))]

    def figures(self, past: Past) -> Iterator[Figures]:
        """Of each day whose horizon is over; at last of all together: the mean AUC, the others pooled."""
        judged = {
            _name(day): _held_against(past, _end(day), risks)
            for day, risks in self._risks.items()
            if past.is_over(_end(day))
        }
        each = [_figures(on, lapsed, risk) for on, (lapsed, risk) in judged.items()]
        yield from each
        if len(each) > 1:
            lapsed, risk = (np.concatenate(column) for column in zip(*judged.values(), strict=True))
            known = [figures.auc for figures in each if figures.auc is not None]
            auc = sum(known) / len(known) if known else None
            yield _figures("together", lapsed, risk)._replace(auc=auc)


def rows(figures: Sequence[Figures]) -> Iterator[tuple[str, ...]]:
    """For people."""
    for on, customers, lapsed, *measures in figures:
        share = "" if lapsed is None else f"{lapsed:.1%}"
        yield on, f"{customers:,}", share, *("" if each is None else f"{each:.4f}" for each in measures)


def documents(figures: Sequence[Figures]) -> list[dict[str, Any]]:
    """For programs."""
    return [each._asdict() for each in figures]


def _name(day: datetime) -> str:
    return f"{day:%Y-%m-%d}"


def _end(day: datetime) -> int:
    return to_micros(day + timedelta(days=1))


def _held_against(past: Past, end: int, risks: dict[str, float]) -> tuple[Mask, Floats]:
    """(who lapsed, their risk) of who had bought within the horizon, in order of id."""
    began = end - round(past.horizon_days * DAY)
    asked = [Raised(customer, end - 1, risks[customer]) for customer in sorted(risks)]  # as if an alert had said it
    active = [one for one in asked if past.spell_of(one).since >= began]
    lapsed = np.array([past.was_right(one) for one in active], dtype=np.bool_)
    return lapsed, np.array([one.risk for one in active], dtype=np.float64)


def _figures(on: str, lapsed: Mask, risk: Floats) -> Figures:
    if not len(risk):
        return Figures(on, 0, None, None, None, None)
    bins = np.array_split(np.argsort(risk, kind="stable"), BINS)
    distances = [len(some) * abs(risk[some].mean() - lapsed[some].mean()) for some in bins if len(some)]
    brier, ece = float(((risk - lapsed) ** 2).mean()), float(sum(distances)) / len(risk)
    return Figures(on, len(risk), float(lapsed.mean()), _auc(lapsed, risk), brier, ece)


def _auc(lapsed: Mask, risk: Floats) -> float | None:
    """By ranks (Mann and Whitney 1947); customers with the same risk share theirs."""
    from scipy.stats import rankdata

    number, others = int(lapsed.sum()), int((~lapsed).sum())
    if not number or not others:
        return None
    return float((rankdata(risk)[lapsed].sum() - number * (number + 1) / 2) / (number * others))

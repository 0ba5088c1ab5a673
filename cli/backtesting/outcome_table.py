"""How well did rules do? Outcomes side by side, for people and for programs."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from services.analytics.outcomes import Outcome


def outcome_figures(outcome: Outcome) -> dict[str, Any]:
    return {**outcome._asdict(), "precision": outcome.precision, "recall": outcome.recall}


def outcome_rows(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, ...]]:
    for name, of in ROWS.items():
        yield (name, *(of(outcome) for outcome in outcomes))


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


ROWS: dict[str, Callable[[Outcome], str]] = {
    "alerts": lambda o: f"{o.alerts:,}",
    "of which the outcome is known": lambda o: f"{o.known:,}",
    "right: silent for the whole horizon": lambda o: f"{o.right:,}",
    "precision": lambda o: _share(o.precision),
    "lapses": lambda o: f"{o.lapses:,}",
    "with an alert in time": lambda o: f"{o.found:,}",
    "recall": lambda o: _share(o.recall),
    "days before it was evident, median": lambda o: "" if o.lead_days is None else f"{o.lead_days:g}",
}

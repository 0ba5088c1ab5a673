"""`python -m tests.strengths`: at which strength is a change of pace a sign?

The figures of `services/analytics/rules.py` are chosen here, and nowhere else: in bases of many kinds, in which it is
known who changes, it tells for each sign how many are false and how many changes are found, by the strengths of the
rules and by weaker and stronger ones, and at which strength five kinds of six have no more false ones than are put up
with. That is the strength of the rules. How often a pace changes is read off, too: so often that as many signs are true
as their probabilities say.
"""

import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise
from math import exp
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from scipy.optimize import brentq

from services.analytics.changes import NAMES, SIGNS
from services.analytics.explain import SIGNS as SIGN_OF
from services.analytics.pace import Table
from services.analytics.rules import Change, Rules
from shared.contracts.analytics import Sign
from tests.unit.changed import Judged, false_in_1000_months, found_in_time, judged_base
from tests.unit.planted import Shape

STEPS = (-0.2, 0.0, 0.2)  # nats, on all strengths
MOST_FALSE = 5.0  # in 1,000 months of unchanged customers
MOST_FALSE_LAPSES = 2.5  # who seems to have left seems to communicate less, too, and is told of for both
KINDS = {
    "as in the pages": Shape(),
    "everybody from the start": Shape(there_from_the_start=0.8, rush=0),
    "no season": Shape(season=0, rush=0),
    "a strong season": Shape(season=0.4, rush=1.2),
    "weeks that differ": Shape(shared=0.15),
    "steady customers": Shape(liveliness=0.1),
    "lively customers": Shape(liveliness=0.6),
    "who leaves soon": Shape(life_days=700),
    "who stays": Shape(life_days=6000),
    "unequal tickets": Shape(unequal=0.5),
    "equal tickets": Shape(ticket_spread=(0.3, 0.2)),
    "newcomers": Shape(there_from_the_start=0.1),
}
app = typer.Typer(add_completion=False)


class Row(NamedTuple):
    """`false`: in 1,000 months, of all bases together; `spread`: standard deviation between kinds; `found`: a share."""

    strength: float
    false: float
    spread: float
    found: float

    @property
    def mostly(self) -> float:
        """Five kinds of six have no more false ones, if they are Normal."""
        return self.false + self.spread


@app.command()
def strengths(
    bases: Annotated[int, typer.Option(min=1, help="One kind after the other, each with a seed of its own.")] = 36,
    customers: Annotated[int, typer.Option(min=300, help="Of each base.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the first base.")] = 100,
) -> None:
    """Hold the strengths of the rules against simulated bases in which it is known who changes."""
    kinds = [*KINDS.values()]
    work = [
        (seed + n, replace(kinds[n % len(kinds)], customers=customers), step) for step in STEPS for n in range(bases)
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        judged = [*pool.map(_judged, *zip(*work, strict=True))]
    by_step = {step: judged[n * bases : (n + 1) * bases] for n, step in enumerate(STEPS)}
    for line in _lines(by_step):
        print(line)


def _judged(seed: int, shape: Shape, step: float) -> Judged:
    return judged_base(seed, shape, stronger_by(step))


def stronger_by(step: float) -> Rules:
    known = Rules()
    moved: dict[str, Any] = {name: _moved(getattr(known, name), step) for name in NAMES.values()}
    return replace(known, **moved)


def _moved(change: Change, step: float) -> Change:
    return replace(change, strength=change.strength + step)


def _lines(by_step: Mapping[float, Sequence[Judged]]) -> Iterable[str]:
    yield f"{'sign':24}{'strength':>10}{'false':>8}{'between kinds':>16}{'mostly':>8}{'found':>8}"
    for number in SIGNS:
        sign, usual = SIGN_OF[number], getattr(Rules(), NAMES[number]).strength
        rows = [row_of(usual + step, bases, sign) for step, bases in by_step.items()]
        for row in rows:
            yield f"{sign:24}{row.strength:10.2f}{row.false:8.1f}{row.spread:16.1f}{row.mostly:8.1f}{row.found:8.3f}"
        most = MOST_FALSE_LAPSES if sign is Sign.LAPSE else MOST_FALSE
        if (read_off := at_most(most, rows)) is not None:
            yield f"{'':24}{read_off[0]:10.2f}{'':24}{most:8.1f}{read_off[1]:8.3f}"
        said, true = _told(by_step[0.0], sign)
        usual = getattr(Rules(), NAMES[number]).a_week
        yield f"{'':24}said {said.mean():.2f}, true {true:.2f}: a change in {1 / as_often(said, true, usual):.0f} weeks"


def row_of(strength: float, bases: Sequence[Judged], sign: Sign) -> Row:
    """Of bases of one kind after the other."""
    by_kind = [false_in_1000_months(bases[n :: len(KINDS)], sign) for n in range(min(len(KINDS), len(bases)))]
    spread = statistics.stdev(by_kind) if len(by_kind) > 1 else 0.0
    return Row(strength, false_in_1000_months(bases, sign), spread, found_in_time(bases, sign))


def at_most(false: float, rows: Sequence[Row]) -> tuple[float, float] | None:
    """(strength, found) in a straight line between the two that mostly give more and fewer; none: there are no such."""
    for weak, strong in pairwise(rows):
        if weak.mostly >= false >= strong.mostly:
            part = (weak.mostly - false) / (weak.mostly - strong.mostly) if weak.mostly > strong.mostly else 0.0
            strength, found = (
                one + part * (two - one) for one, two in ((weak.strength, strong.strength), (weak.found, strong.found))
            )
            return strength, found
    return None


def _told(bases: Sequence[Judged], sign: Sign) -> tuple[Table, float]:
    """(P(change) of each customer who is told of for the first time, the share of them who have changed)."""
    first = [
        (*next(iter(days.items())), judged.changed[who, sign])
        for judged in bases
        for (who, told), days in judged.told.items()
        if told is sign
    ]
    return np.array([p for _, p, _ in first]), float(np.mean([since <= at for at, _, since in first]))


def as_often(said: Table, true: float, usual: float) -> float:
    """So many changes a week beforehand, where `usual` has given what was said, that it adds up to what is true."""
    against = (1 - said) / said

    def too_much(ln: float) -> float:
        return float((1 / (1 + against / exp(ln))).mean()) - true

    return usual * exp(brentq(too_much, -5, 5))


if __name__ == "__main__":
    app()

"""`python -m tests.strengths`: at which strength is a change of pace a sign?

The figures of `services/analytics/rules.py` are chosen here: in bases of many kinds, in which it is known who changes,
it tells for each sign how many are false and how many changes are found, by the strengths of the rules and by weaker
and stronger ones, and what five false ones in 1,000 months of unchanged customers would take.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

import typer

from services.analytics.changes import NAMES, SIGNS
from services.analytics.explain import SIGNS as SIGN_OF
from services.analytics.rules import Change, Rules
from shared.contracts.analytics import Sign
from tests.unit.changed import Judged, false_in_1000_months, found_in_time, judged_base
from tests.unit.planted import Shape

STEPS = (-0.5, 0.0, 0.5)  # nats, on all strengths
MEANT = 5.0  # false signs in 1,000 months
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
    """`false`: in 1,000 months, of all bases together and of the quietest and the loudest; `found`: a share."""

    strength: float
    false: float
    least: float
    most: float
    found: float


@app.command()
def strengths(
    bases: Annotated[int, typer.Option(min=1, help="One kind after the other, each with a seed of its own.")] = 12,
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
    yield f"{'sign':24}{'strength':>10}{'false':>8}{'of single bases':>18}{'found':>8}"
    for number in SIGNS:
        sign, usual = SIGN_OF[number], getattr(Rules(), NAMES[number]).strength
        rows = [_row(usual + step, bases, sign) for step, bases in by_step.items()]
        for row in rows:
            single = f"{row.least:.1f} to {row.most:.1f}"
            yield f"{sign:24}{row.strength:10.2f}{row.false:8.1f}{single:>18}{row.found:8.2f}"
        if (read_off := at_false(MEANT, rows)) is not None:
            yield f"{'':24}{read_off[0]:10.2f}{MEANT:8.1f}{'':18}{read_off[1]:8.2f}"


def _row(strength: float, bases: Sequence[Judged], sign: Sign) -> Row:
    single = [false_in_1000_months([base], sign) for base in bases]
    return Row(strength, false_in_1000_months(bases, sign), min(single), max(single), found_in_time(bases, sign))


def at_false(false: float, rows: Sequence[Row]) -> tuple[float, float] | None:
    """(strength, found) in a straight line between the two that give more and fewer; none: there are no such two."""
    for weak, strong in pairwise(rows):
        if weak.false >= false >= strong.false:
            part = (weak.false - false) / (weak.false - strong.false) if weak.false > strong.false else 0.0
            strength, found = (
                one + part * (two - one) for one, two in ((weak.strength, strong.strength), (weak.found, strong.found))
            )
            return strength, found
    return None


if __name__ == "__main__":
    app()

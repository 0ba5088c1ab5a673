"""Have buyers or volume of a segment, or of the whole base, fallen? One look a week at exact figures.

In: of each week and segment how many customers bought, how many were expected to, and the same of their value. Out:
what comes up and what goes down, with its proof, and the state for the week after. The state is constant in size; what
is said depends on the figures alone, in whatever order segments come.

Exposure is what was expected, times how all other customers did in that week: so season, holidays and campaigns are
taken out, and a segment is compared with the rest. For the whole base there is no rest: its own weeks of the year
before stand in, so it is judged from its third year on. Of each of the last 26 weeks it is asked how much likelier the
figures since then are at a lower rate than at that of the year before it (Gamma-Poisson, in closed form); the sum over
all weeks (Shiryaev 1963, Roberts 1966) is the strength.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np

from services.analytics.population.numbers import Table
from services.analytics.state import WEEK
from shared.contracts.segments import SegmentSign

WHOLE = ""  # the key of the whole base among segments
UNIT = 2**32  # of `Figures.expected`

WINDOWS, MEMORY = 26, 52  # weeks in which a fall may have begun, and before it what counts as usual
YOUNG = 4  # weeks of a segment that are no measure: everybody in it is new
LEAST = 48  # weeks that can be compared, before anything is said
RATIOS = np.array([0.92, 0.85, 0.75])  # falls that are looked for: a tempered mean of them
PRIOR_WEEKS = 4  # so many weeks like the others' are taken for granted
SETTLED, NOW = 13, 8  # dispersion is learnt from all but the last so many weeks, and is for volumes like these weeks'
LEAST_OTHERS = 20 * UNIT  # expected buyers a week below which the rest is no measure
# Nats, chosen on synthetic bases of other seeds than those of the tests: less than one false alarm in ten years of a
# segment, and about one where segments grow unequally or customers are livelier (docs/attrition.md).
RAISE = {SegmentSign.ACTIVE_BUYERS_DECLINE: 6.5, SegmentSign.SEGMENT_VOLUME_DECLINE: 7.0}
CALM = 0.0  # nats: no change is likelier than a change
RECOVERED = 0.95  # of what was usual before the fall, in the last NOW weeks
LN_CHANCE = math.log(1 / 150)  # of a change in a week, before anything is seen: assumed, not learnt


class Figures(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One week of customers who had bought before it, added up exactly. `expected`: buyers, times UNIT. Values: minor
    units; `expected_value` is what the expected buyers spend at their usual tickets."""

    customers: int = 0
    buyers: int = 0
    expected: int = 0
    value: int = 0
    expected_value: int = 0

    def without(self, some: "Figures") -> "Figures":
        return Figures(*(a - b for a, b in zip(_all(self), _all(some), strict=True)))

    def of(self, sign: SegmentSign) -> tuple[float, float]:
        """Observed and expected, in buyers or in what they spend, minor units."""
        if sign is SegmentSign.ACTIVE_BUYERS_DECLINE:
            return float(self.buyers), self.expected / UNIT
        return float(self.value), float(self.expected_value)


def total(some: Collection[Figures]) -> Figures:
    return Figures(
        sum(one.customers for one in some),
        sum(one.buyers for one in some),
        sum(one.expected for one in some),
        sum(one.value for one in some),
        sum(one.expected_value for one in some),
    )


class Raised(NamedTuple):
    """`level`: observed over exposure before the fall."""

    week: int
    level: float


class Watch(NamedTuple):
    """One sign of one segment. Weeks, newest last: what was observed and its exposure, in buyers or in tickets of usual
    size; 0 and 0 where nothing could be compared. `rested`: weeks since it went down, the only ones in which another
    fall may have begun."""

    observed: tuple[float, ...] = ()
    exposure: tuple[float, ...] = ()
    age: int = 0
    rested: int = WINDOWS
    raised: Raised | None = None

    def after(self, observed: float, exposure: float) -> "Watch":
        keep = WINDOWS + MEMORY - 1
        new = (0.0, 0.0) if self.age < YOUNG or exposure <= 0 else (observed, exposure)
        return self._replace(
            observed=(*self.observed[-keep:], new[0]),
            exposure=(*self.exposure[-keep:], new[1]),
            age=self.age + 1,
            rested=min(WINDOWS, self.rested + 1),
        )


class Verdict(NamedTuple):
    """`strength`: of a fall, nats. It most likely began `weeks` ago; of these weeks `observed`, and `expected` by the
    `level` before them."""

    strength: float
    weeks: int
    observed: float
    expected: float
    level: float


class Move(NamedTuple):
    """A sign of a segment (WHOLE: of the base) came up or went down at the end of a week, micros. `raised`: the week at
    the end of which it came up. Figures since `since`, in buyers or in purchases of usual size."""

    key: str
    sign: SegmentSign
    is_up: bool
    week: int
    raised: int
    since: int
    observed: float
    expected: float
    strength: float

    @property
    def probability(self) -> float:
        """That the rate has changed."""
        return 1 / (1 + math.exp(-max(-700.0, self.strength + LN_CHANCE)))


class Portfolio(NamedTuple):
    """All watches of a base. `year`: figures of the whole base, newest last, as far as they are needed to compare; none
    of a week that was given up."""

    watches: Mapping[tuple[str, SegmentSign], Watch] = {}
    year: tuple[Figures | None, ...] = ()

    def after(self, week: int, figures: Mapping[str, Figures] | None) -> tuple["Portfolio", list[Move]]:
        """`figures` of the week that ends at `week`, by segment, WHOLE among them; none: they are not known."""
        year = (*self.year[-53:], None if figures is None else figures.get(WHOLE, Figures()))
        known, watches, moves = figures or {}, {}, []
        keys = known.keys() | {key for key, _ in self.watches}
        for key in sorted(keys):
            for sign in SegmentSign:
                watch = self.watches.get((key, sign), Watch()).after(*_compared(key, sign, known, year))
                watch, move = _judged(key, sign, watch, week)
                if any(watch.exposure) or key in known:
                    watches[key, sign] = watch
                moves += [] if move is None else [move]
        return Portfolio(watches, year), moves


def verdict(watch: Watch) -> Verdict | None:
    """None: too little is known, or nothing was expected."""
    observed, exposure = np.array(watch.observed), np.array(watch.exposure)
    if np.count_nonzero(exposure) < LEAST or not observed[:-SETTLED].any():
        return None
    scale = _dispersion(observed, exposure)
    windows = np.arange(1, min(WINDOWS, watch.rested) + 1)
    n, d, before, base = _sums(observed, exposure, windows)
    prior = PRIOR_WEEKS * exposure.sum() / np.count_nonzero(exposure)
    a, b = (before + prior)[:, None] / scale, (base + prior)[:, None] / scale
    n_, d_ = n[:, None] / scale, d[:, None] / scale
    by_ratio = n_ * np.log(RATIOS) + (a + n_) * np.log((b + d_) / (b + RATIOS * d_))
    by_window = np.logaddexp.reduce(by_ratio, axis=1) - math.log(len(RATIOS))
    best = int(np.argmax(by_window))
    level = float(before[best] / base[best]) if base[best] else 1.0
    strength = float(np.logaddexp.reduce(by_window))
    return Verdict(strength, int(windows[best]), float(n[best]), level * float(d[best]), level)


def _sums(observed: Table, exposure: Table, windows: Any) -> tuple[Table, Table, Table, Table]:
    """Observed and exposure in each window, and in the MEMORY before it."""
    counts, exposures = np.insert(np.cumsum(observed), 0, 0.0), np.insert(np.cumsum(exposure), 0, 0.0)
    begin = len(observed) - windows
    first = np.maximum(0, begin - MEMORY)
    return (
        counts[-1] - counts[begin],
        exposures[-1] - exposures[begin],
        counts[begin] - counts[first],
        exposures[begin] - exposures[first],
    )


def _dispersion(observed: Table, exposure: Table) -> float:
    """Variance of a week's figure over that of a Poisson count, at least 1. What exceeds 1 may grow with the volume,
    but is not taken to shrink with it: tickets are as unequal in a quiet season."""
    some = exposure[:-SETTLED] > 0
    n, d = observed[:-SETTLED][some], exposure[:-SETTLED][some]
    level = _mean(n) / _mean(d)
    usual = level * d
    spread = float(np.var((n - usual) / np.sqrt(usual)))
    excess = max(0.0, spread - 1) / _mean(usual)
    lately = exposure[-NOW:]
    now = level * float(lately.sum()) / max(1.0, float(np.count_nonzero(lately)))
    return 1 + excess * max(now, _mean(usual))


def _mean(figures: Table) -> float:
    return float(figures.mean())


def _compared(
    key: str, sign: SegmentSign, figures: Mapping[str, Figures], year: tuple[Figures | None, ...]
) -> tuple[float, float]:
    """Observed and exposure, in buyers or usual tickets; 0 and 0 where there is no measure."""
    own = figures.get(key, Figures())
    rest = _a_year_ago(year) if key == WHOLE else figures.get(WHOLE, Figures()).without(own)
    observed, expected = own.of(sign)
    by_rest, of_rest = rest.of(sign)
    if rest.expected < LEAST_OTHERS or not expected or not of_rest:
        return 0.0, 0.0
    tickets = own.expected / UNIT / expected  # a usual ticket's part; of buyers 1
    return observed * tickets, own.expected / UNIT * by_rest / of_rest


def _a_year_ago(year: tuple[Figures | None, ...]) -> Figures:
    """Five weeks around the same one of the year before, as holidays move."""
    if len(year) < 54:
        return Figures()
    return total([week for week in year[-54:-49] if week is not None])


def _judged(key: str, sign: SegmentSign, watch: Watch, week: int) -> tuple[Watch, Move | None]:
    seen = verdict(watch)
    if seen is None:
        return watch, None
    if watch.raised is None:
        if seen.strength < RAISE[sign]:
            return watch, None
        since = week - seen.weeks * WEEK
        move = Move(key, sign, True, week, week, since, seen.observed, seen.expected, seen.strength)
        return watch._replace(raised=Raised(week, seen.level)), move
    lately, usual = sum(watch.observed[-NOW:]), watch.raised.level * sum(watch.exposure[-NOW:])
    is_back = week - watch.raised.week >= NOW * WEEK and usual > 0 and lately >= RECOVERED * usual
    if seen.strength >= CALM and not is_back:
        return watch, None
    move = Move(key, sign, False, week, watch.raised.week, week - NOW * WEEK, lately, usual, seen.strength)
    return watch._replace(raised=None, rested=0), move


def _all(figures: Figures) -> Iterator[int]:
    return iter(msgspec.structs.astuple(figures))

"""What became of those whom alerts named? Alerts held against the purchases that followed, or did not.

In: when alerts were raised, when customers bought, how far the past reaches. Out: how many alerts were right, how many
lapses had one, and how many days before they spoke for themselves. Only what is known counts: of the last horizon
nobody can say what becomes of it.

A spell is the time from a purchase to the next. It is a lapse if that is further away than the horizon.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from services.analytics.state import DAY

BANDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.001)  # of risk
NEVER_BOUGHT = -1  # the spell of a customer who has not bought yet


class Raised(NamedTuple):
    """An alert that was raised, micros. `risk`: as it said then; none of who never bought."""

    customer: str
    at: int
    risk: float | None = None


class Spell(NamedTuple):
    customer: str
    since: int  # of the purchase that opened it, micros; NEVER_BOUGHT


class Outcome(NamedTuple):
    """Of one version of the rules. Shares are none where there is nothing to have a share of."""

    alerts: int
    known: int  # of them, whose horizon is over
    right: int  # of these, after which nobody bought within the horizon
    lapses: int  # of customers who had bought before on another day
    found: int  # of these, with an alert before the horizon was over
    lead_days: float | None  # of these, at the median, from the alert to then

    @property
    def precision(self) -> float | None:
        return self.right / self.known if self.known else None

    @property
    def recall(self) -> float | None:
        return self.found / self.lapses if self.lapses else None


class Band(NamedTuple):
    """Alerts whose risk lay in [`low`, `high`): how many, what they said on average, and what share was right."""

    low: float
    high: float
    known: int
    said: float
    came: float


class Past:
    """Who bought when, up to an instant."""

    def __init__(self, bought: Mapping[str, Sequence[int]], *, until: int, horizon_days: float) -> None:
        """`bought`: micros, in order."""
        self.horizon_days = horizon_days
        self._bought, self._until, self._horizon = bought, until, round(horizon_days * DAY)

    def spell_of(self, alert: Raised) -> Spell:
        before = bisect_right(self._bought.get(alert.customer, ()), alert.at)
        return Spell(alert.customer, self._bought[alert.customer][before - 1] if before else NEVER_BOUGHT)

    def is_over(self, at: int) -> bool:
        """The horizon that began then."""
        return at + self._horizon <= self._until

    def was_right(self, alert: Raised) -> bool | None:
        """None: it cannot be known yet."""
        if not self.is_over(alert.at):
            return None
        times = self._bought.get(alert.customer, ())
        following = bisect_right(times, alert.at)
        return following == len(times) or times[following] > alert.at + self._horizon

    def lapses(self) -> list[Spell]:
        return [
            Spell(customer, one)
            for customer, times in sorted(self._bought.items())
            for one, other in zip(times, [*times[1:], self._until + self._horizon + 1], strict=True)
            if other - one > self._horizon and self.is_over(one) and times[0] // DAY < one // DAY
        ]

    def outcome(self, alerts: Sequence[Raised]) -> Outcome:
        judged = [right for alert in alerts if (right := self.was_right(alert)) is not None]
        first, lapses = _first(self, alerts), self.lapses()
        ends = {spell: spell.since + self._horizon for spell in lapses if spell in first}
        leads = [(end - first[spell].at) / DAY for spell, end in ends.items() if first[spell].at < end]
        lead = round(median(leads), 1) if leads else None
        return Outcome(len(alerts), len(judged), sum(judged), len(lapses), len(leads), lead)


def calibration(past: Past, alerts: Sequence[Raised]) -> list[Band]:
    """Bands in which there is an alert whose outcome is known. A risk says what it means if `said` is near `came`."""
    known = [(a.risk, right) for a in alerts if a.risk is not None and (right := past.was_right(a)) is not None]
    bands = []
    for low, high in pairwise(BANDS):
        within = [(risk, right) for risk, right in known if low <= risk < high]
        if within:
            said, came = (sum(column) / len(within) for column in zip(*within, strict=True))
            bands.append(Band(low, high, len(within), round(said, 3), round(came, 3)))
    return bands


class Difference(NamedTuple):
    """Alerts of one version for spells in which the other has none; and of spells with alerts of both, by how many days
    the newer version is earlier at the median."""

    gained: list[Raised]
    lost: list[Raised]
    both: int
    earlier_days: float | None


def difference(past: Past, old: Sequence[Raised], new: Sequence[Raised]) -> Difference:
    in_old, in_new = _first(past, old), _first(past, new)
    earlier = [(in_old[spell].at - in_new[spell].at) / DAY for spell in in_old.keys() & in_new.keys()]
    return Difference(
        [alert for spell, alert in in_new.items() if spell not in in_old],
        [alert for spell, alert in in_old.items() if spell not in in_new],
        len(earlier),
        round(median(earlier), 1) + 0.0 if earlier else None,
    )


def _first(past: Past, alerts: Sequence[Raised]) -> dict[Spell, Raised]:
    first: dict[Spell, Raised] = {}
    for alert in alerts:
        first.setdefault(past.spell_of(alert), alert)
    return first

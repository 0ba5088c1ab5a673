"""A synthetic base: customers of four segments over 900 days, and changes that are planted on purpose.

In: a seed, and what shall change. Out: who the customers are, and what they do on which day. Rates of customers are
Gamma, more or less lively from month to month; people join over time and leave for good; there is a season with a rush
at its end, and weeks that are good or bad for everybody; amounts are lognormal around each customer's own. The same
seed gives the same base.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DAYS = 900
SEGMENTS = "ABCD"
SHARES = (0.37, 0.28, 0.2, 0.15)
YEAR, MONTH = 365.25, 28
RATES = {  # stream -> shape and mean of its Gamma law, events a day
    "purchase": (1.4, 0.047),
    "contact": (1.4, 0.069),
    "enquiry": (1.3, 0.039),
    "complaint": (0.8, 0.0042),
}


@dataclass(frozen=True)
class Change:
    """From `day` on the rate of a stream moves in a straight line within `over_days` to `factor` times itself (0: at
    once), and stays there until it returns, at once, on `until`. `who`: a segment, or customers by number."""

    who: str | Sequence[int]
    day: int
    factor: float
    over_days: int = 0
    stream: str = "purchase"
    until: int = DAYS

    def course(self) -> Floats:
        """The factor of each day."""
        days = np.arange(DAYS)
        part = (
            (days >= self.day).astype(float)
            if self.over_days == 0
            else np.clip((days - self.day) / self.over_days, 0, 1)
        )
        return np.where(days < self.until, 1 + (self.factor - 1) * part, 1.0)


@dataclass(frozen=True)
class Shape:
    """What a base is like, beside what is planted. `season`: how far it goes up and down, as a share; `rush`: by how
    much the last weeks of its year exceed it; `shared`: standard deviation of what a week has for everybody."""

    customers: int = 2000
    season: float = 0.25
    rush: float = 0.6
    shared: float = 0.06
    liveliness: float = 0.3  # variance of a customer's months around the own rate
    life_days: float = 1800.0  # mean time until a customer leaves
    there_from_the_start: float = 0.46
    joins: Mapping[str, float] = field(default_factory=dict)  # segment -> the same where it is otherwise
    ticket: float = 77.0
    ticket_spread: tuple[float, float] = (0.6, 0.5)  # of logarithms: between customers, and between their purchases
    unequal: float = 0.0  # by how much the logarithm of the latter differs between customers


@dataclass(frozen=True)
class Happened:
    """Events of one stream in order of time. `amount`: minor units, of purchases."""

    customer: Ints
    day: Ints
    amount: Ints


@dataclass(frozen=True)
class Planted:
    segment: npt.NDArray[np.str_]  # by customer
    join: Ints
    death: Ints
    streams: dict[str, Happened]
    changes: Sequence[Change]


def plant(seed: int, *changes: Change, shape: Shape | None = None, streams: Sequence[str] = ("purchase",)) -> Planted:
    """A base of that seed; what is planted changes nothing else of it but the luck of those concerned."""
    shape, rng = shape or Shape(), np.random.default_rng(seed)
    segment = np.array(list(SEGMENTS))[rng.choice(len(SEGMENTS), shape.customers, p=SHARES)]
    early = np.array([shape.joins.get(s, shape.there_from_the_start) for s in segment])
    join = np.where(rng.random(shape.customers) < early, 0, rng.integers(0, DAYS - 200, shape.customers))
    death = (join + rng.exponential(shape.life_days, shape.customers)).astype(np.int64)
    there = (np.arange(DAYS) >= join[:, None]) & (np.arange(DAYS) < death[:, None])
    common = _season(rng, shape)
    usual = np.log(shape.ticket) + shape.ticket_spread[0] * rng.standard_normal(shape.customers)
    differs = np.random.default_rng([seed, 11]).standard_normal(shape.customers)
    spread = shape.ticket_spread[1] * np.exp(shape.unequal * differs)
    happened = {}
    for stream in streams:
        gamma, mean = RATES[stream]
        own = rng.gamma(gamma, mean / gamma, shape.customers)
        months = rng.gamma(1 / shape.liveliness, shape.liveliness, (shape.customers, DAYS // MONTH + 1))
        rate = own[:, None] * np.repeat(months, MONTH, axis=1)[:, :DAYS] * common * there
        for change in changes:
            if change.stream == stream:
                who = segment == change.who if isinstance(change.who, str) else list(change.who)
                rate[who] *= change.course()
        happened[stream] = _events(rng, rate, usual, spread)
    return Planted(segment, join, death, happened, changes)


def fall(seed: int, *, factor: float = 0.65, over_days: int = 90) -> Change:
    """Of the purchases of one segment, in a straight line within 90 days, beginning on day 400 to 699."""
    rng = np.random.default_rng([seed, 7])
    return Change(SEGMENTS[rng.integers(len(SEGMENTS))], int(rng.integers(400, 700)), factor, over_days)


def _season(rng: np.random.Generator, shape: Shape) -> Floats:
    """What each day has for everybody."""
    days, peak = np.arange(DAYS), rng.uniform(0, YEAR)
    wave = 1 + shape.season * np.cos(2 * np.pi * (days - peak) / YEAR)
    rush = 1 + shape.rush * ((days - peak) % YEAR > YEAR - 30)
    weeks = np.exp(shape.shared * rng.standard_normal(DAYS // 7 + 1))
    season: Floats = wave * rush * np.repeat(weeks, 7)[:DAYS]
    return season


def _events(rng: np.random.Generator, rate: Floats, usual: Floats, spread: Floats) -> Happened:
    counts = rng.poisson(rate).T  # by day, so that what follows is in order of time
    day, customer = np.nonzero(counts)
    often = counts[day, customer]
    day, customer = np.repeat(day, often), np.repeat(customer, often)
    amount = np.exp(usual[customer] + spread[customer] * rng.standard_normal(len(day)))
    return Happened(customer, day, np.maximum(1, np.rint(100 * amount)).astype(np.int64))

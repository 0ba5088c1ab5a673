"""What is remembered of one customer: constant in size, however long the history.

Streams are counted by calendar weeks (of UTC, from Thursday on); nothing is computed while nothing happens. An event
may come late: it is placed in the week where it belongs, and time never runs backwards.
"""

from __future__ import annotations

from math import exp, log1p
from typing import NamedTuple, TypeVar

import msgspec

T = TypeVar("T")

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
WEEK = 7 * DAY
NEVER = 2**62  # later than every instant
RING_WEEKS = 27  # of which a change is told, with the one that is not over
DETECTORS = 3  # for which time alone may make a difference at any instant
Strengths = tuple[float, float, float, float, float, float]
"""Of the changes of pace, nats, in the order of `services.analytics.changes.SIGNS`."""
UNCHANGED: Strengths = (0.0,) * 6
HUNDREDTHS = 100  # of a nat, in which sizes are kept
MAX_BUYERS = 16
MAX_WALLETS = 4
MAX_MINOR = 2**53  # minor units, as the contracts have it
MAX_SPENT = 2**62  # what a machine word holds
YEAR_DAYS = 365.0
KNOWN_DAYS = 180.0  # a shorter acquaintance is taken for this long when it is scaled to a year


def days(micros: int) -> float:
    return micros / DAY


class Ring(msgspec.Struct, array_like=True, gc=False):
    """How many there were. `ring`: in `week` and the weeks before it, newest first; older ones are in `total` only."""

    week: int
    total: int = 0
    ring: list[int] = msgspec.field(default_factory=list)

    def add(self, at: int, number: int) -> None:
        week = at // WEEK
        if week > self.week:
            self.ring[:0] = [0] * min(RING_WEEKS, week - self.week)
            del self.ring[RING_WEEKS:]
            self.week = week
        self.total += number
        if (back := self.week - week) < RING_WEEKS:
            self.ring += [0] * (back + 1 - len(self.ring))
            self.ring[back] += number

    def before(self, until: int) -> tuple[int, int]:
        """(all before the week `until`, in the last one of them)."""
        later = self.week + 1 - until
        if later < 0:
            return self.total, 0
        return self.total - sum(self.ring[:later]), sum(self.ring[later : later + 1])


class Events(msgspec.Struct, array_like=True, gc=False):
    """Of one kind. `at`: the newest."""

    at: int
    counts: Ring
    evidence: list[str] = msgspec.field(default_factory=list)  # newest first

    def add(self, at: int, evidence: str, kept: int, *, is_counted: bool) -> None:
        if is_counted:
            self.counts.add(at, 1)
        remember(self.evidence, evidence, late=at < self.at, kept=kept)
        self.at = max(at, self.at)


class Fading(msgspec.Struct, array_like=True, gc=False):
    """How many there were, and how many that fade, in a quarter of the horizon and in all of it, as of the newest."""

    at: int = 0
    count: int = 0
    fast: float = 0.0
    slow: float = 0.0

    def add(self, at: int, horizon_days: float) -> None:
        apart = abs(at - self.at) / DAY / horizon_days
        fast, slow = exp(-4 * apart), exp(-apart)
        self.count += 1
        if at < self.at:
            self.fast, self.slow = self.fast + fast, self.slow + slow
        else:
            self.fast, self.slow, self.at = self.fast * fast + 1, self.slow * slow + 1, at


class Week(msgspec.Struct, array_like=True, gc=False):
    """A calendar week with an occasion, by its number since 1970. `spent`: minor units."""

    number: int = -1
    occasions: int = 0
    spent: int = 0


class WeekSeen(NamedTuple):
    """Occasions in one week and before it, and what was spent."""

    occasions: int
    spent: int
    before: int
    spent_before: int


class Occasions(msgspec.Struct, array_like=True, gc=False):
    """Days (UTC) with a purchase, or with what else a lapse is the absence of. A late one between the first and the
    last counts as another. Gaps in days; amounts in minor units of the first currency."""

    first: int
    last: int
    opened: int  # the first of the calendar week of the last
    repeats: int = 0  # occasions after the first
    squares: float = 0.0  # of the gaps, summed
    gap: float = 0.0  # the last one
    recent: Fading = msgspec.field(default_factory=Fading)
    currency: str | None = None
    tickets: int = 0
    spent: int = 0
    ticket: int = 0  # the last one
    ticket_day: int = -1
    newest: Week = msgspec.field(default_factory=Week)  # the last two weeks with an occasion
    second: Week = msgspec.field(default_factory=Week)

    def add(self, at: int, horizon_days: float) -> None:
        if self.recent.count == 0:
            self.recent.add(at, horizon_days)
            self._week(at).occasions += 1
        elif at // DAY not in (self.first // DAY, self.last // DAY):
            self._repeat(at, horizon_days)
        self.first, self.last = min(at, self.first), max(at, self.last)

    def spend(self, at: int, amount: int, currency: str | None) -> None:
        """What is bought on one day is one ticket."""
        if currency is None or currency != (self.currency or currency):
            return
        self.currency = currency
        self._week(at).spent += amount
        self.spent = min(MAX_SPENT, self.spent + amount)
        if at // DAY == self.ticket_day:
            self.ticket = min(MAX_SPENT, self.ticket + amount)
        else:
            self.ticket, self.ticket_day = amount, at // DAY
            self.tickets += 1

    def week_before(self, end: int) -> WeekSeen | None:
        """The week that ends at `end`, micros, at most a week ago; none: there was no occasion before it."""
        number = end // WEEK - 1
        if self.newest.number < number:  # as of nearly everybody
            return WeekSeen(0, 0, self.repeats + 1, self.spent)
        recent = [week for week in (self.newest, self.second) if week.number >= number]
        before = self.repeats + 1 - sum(week.occasions for week in recent)
        if before <= 0:
            return None
        week = next((week for week in recent if week.number == number), Week())
        return WeekSeen(week.occasions, week.spent, before, max(0, self.spent - sum(week.spent for week in recent)))

    def _week(self, at: int) -> Week:
        """Of what is older than both nothing is kept apart."""
        number = at // WEEK
        if number > self.newest.number:
            self.newest, self.second = Week(number), self.newest
        elif self.second.number < number < self.newest.number:
            self.second = Week(number)
        return next((week for week in (self.newest, self.second) if week.number == number), Week())

    def _repeat(self, at: int, horizon_days: float) -> None:
        self.repeats += 1
        self.recent.add(at, horizon_days)
        self._week(at).occasions += 1
        if at > self.last:
            self.gap = days(at - self.last)
            self.squares += self.gap**2
            if at // WEEK > self.last // WEEK:
                self.opened = at


class Wallet(msgspec.Struct, array_like=True, gc=False):
    """What is spent in one currency, minor units. `spend` decays over a year and stands still in silence."""

    currency: str
    first: int
    at: int
    count: int = 0
    spend: float = 0.0

    def add(self, at: int, amount: int) -> None:
        self.count += 1
        fade = exp(-days(abs(at - self.at)) / YEAR_DAYS)
        self.spend = self.spend + amount * fade if at < self.at else self.spend * fade + amount
        self.first, self.at = min(at, self.first), max(at, self.at)

    def yearly(self, at: int) -> float:
        """Spend in a year as it was at `at`, an instant not before the last purchase."""
        known = 1 - exp(-max(KNOWN_DAYS, days(self.at - self.first)) / YEAR_DAYS)
        return self.spend * exp(-days(at - self.at) / YEAR_DAYS) / known


class Sizes(msgspec.Struct, array_like=True, gc=False):
    """Of purchases in one currency: ln(1 + minor units), in whole HUNDREDTHS, which add up exactly."""

    currency: str
    counts: Ring
    sums: Ring
    squares: int = 0

    def add(self, at: int, amount: int) -> None:
        size = round(HUNDREDTHS * log1p(amount))
        self.counts.add(at, 1)
        self.sums.add(at, size)
        self.squares += size * size


class Buyer(msgspec.Struct, array_like=True, gc=False):
    """A person who buys for an account, by a hash of the name."""

    name: int
    first: int
    last: int
    repeats: int = 0  # days with a purchase after the first
    evidence: str = ""  # the last purchase

    def add(self, at: int, evidence: str) -> None:
        if at // DAY not in (self.first // DAY, self.last // DAY):
            self.repeats += 1
        if at >= self.last:
            self.evidence = evidence
        self.first, self.last = min(at, self.first), max(at, self.last)


class Life(msgspec.Struct, array_like=True, gc=False):
    """The alert of a customer, or what is left of the last one."""

    episode: int = 0  # sequence of the message that raised it; 0: there was none
    is_open: bool = False
    is_acknowledged: bool = False
    snoozed_until: int = 0
    reasons: int = 0  # what it has said so far, a bit each; of one that is cleared, what is up nevertheless
    calm_since: int = NEVER  # nothing has been up since
    turned_at: int = -NEVER  # opened or cleared
    risk: float | None = None  # as the last message gave it
    is_over: bool = False  # the customer has been given up, and nothing has been heard of them since


class Customer(msgspec.Struct, array_like=True, gc=False):
    """`since` begins the present course; `now` is the latest instant applied or judged. What is seldom said stands
    towards the end, because a page leaves it out there, and strengths last, because a page has them first
    (`services.analytics.pages`)."""

    id: str
    since: int
    now: int
    rows: int = 0  # risk rows published
    shown: int = -1  # risk in the last row, in steps of RISK_STEP; -1: none
    purchase: Events | None = None
    occasions: Occasions | None = None
    sizes: Sizes | None = None
    wallets: list[Wallet] = msgspec.field(default_factory=list)
    contact: Events | None = None
    enquiry: Events | None = None
    communicated: list[int] = msgspec.field(default_factory=list)  # signs of those two, by turns as told, newest first
    segment: str | None = None  # as said last
    buyers: list[Buyer] = msgspec.field(default_factory=list)
    complaint: Events | None = None
    complaints: Fading = msgspec.field(default_factory=Fading)  # complaints, of all courses
    cause: str | None = None  # defector type that the customer spoke of last
    dues: list[int] = msgspec.field(default_factory=lambda: [NEVER] * DETECTORS)  # when time may change each verdict
    due: int = NEVER  # the earliest of them and of what the alert awaits
    up: int = 0  # signs that are up, a bit each
    alerts: int = 0  # messages published
    told: list[int] = msgspec.field(default_factory=lambda: [0] * len(UNCHANGED))  # last when; 0: never
    life: Life = msgspec.field(default_factory=Life)
    lapsed_at: int | None = None
    declared: str | None = None  # by which event
    waits_since: int = 0  # a sign is up for which there has been no place for an alert; 0: none
    is_late: bool = False  # one of its kind came behind what happened after it, so ids are in no order
    changes: Strengths = UNCHANGED  # as of the last look


def heard_at(c: Customer) -> int:
    """When anything came of the customer last."""
    streams = (c.contact, c.enquiry, c.complaint, c.purchase)
    return max((events.at for events in streams if events is not None), default=c.since)


def remember(evidence: list[T], new: T, *, late: bool, kept: int) -> None:
    """Newest first; a late event takes a place only while there is one."""
    if late:
        if len(evidence) < kept:
            evidence.append(new)
        return
    evidence.insert(0, new)
    del evidence[kept:]

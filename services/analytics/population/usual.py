"""What is usual in a base, and was the last week as usual? Paces, how they scatter, and the season of a week.

In: the rows of one week after another. Out: the law of each stream's pace by moments, its overdispersion by counts of
four weeks, the law of tickets, and what happened last week over what was to be expected. Immutable: another week makes
a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.analytics.calendar import STREAMS, Calendar
from services.analytics.pace import Paces, Prior, Table, Tickets
from services.analytics.population.fitting import digits
from services.analytics.population.numbers import Columns, Numbers, columns, table
from services.analytics.state import HUNDREDTHS, RING_WEEKS, WEEK

WEEK_DAYS = 7.0
LEAST_WEEKS = 8  # of a base, before its paces are learnt
BLOCKS = 6  # of four weeks, by which a scatter is measured
MOST_SCATTER, LEAST_SPREAD = 2.0, 0.02  # of the variance over the square of the mean
LEAST_OF_TICKETS = 0.01  # of their variances
LEAST_DIFFER, MOST_DIFFER = 0.02, 2.0  # of the variance of customers' variances over the square of their mean
CALM = 20.0  # events that happened as expected: a small base has no season
LEAST_SEASON, MOST_SEASON = 0.4, 2.5
MOST_SURE = 300.0  # nats; of more the exponential is no number, and it makes no difference
OFTEN, ROUNDS = 0.01, 20  # changes a week of one customer, and how often that is learnt anew from what follows of it
LEFT = {"contact": 0.5, "enquiry": 0.5, "complaint": 1.0, "purchase": 0.75}  # of what was usual, after a change of pace


class Week(NamedTuple):
    """Customers in order of id, each watched from a week `first` on. Of each stream a column, in the order of STREAMS:
    events so far, and in the week that is over."""

    number: int
    who: list[str]
    first: Table
    total: Table
    last: Table
    tickets: Table
    of: Columns[Table]


@dataclass(frozen=True, slots=True)
class Usual:
    """What has been seen of a base, as far as it is still of use."""

    weeks: tuple[Week, ...] = ()
    age: int = 0  # weeks

    def after(self, number: int, rows: Sequence[Numbers]) -> "Usual":
        kept = [week for week in self.weeks if number - week.number <= 4 * BLOCKS]
        return Usual((*kept, _week(number, rows)), self.age + 1)

    def paces(self, before: Paces, calendar: Calendar) -> Paces:
        """As learnt from the newest week; where it says nothing, as they were before."""
        if self.age < LEAST_WEEKS:
            return before
        now = self.weeks[-1]
        scatters = self._scatters(calendar)
        laws = {
            name: _law(now.total[:, n], _watched(now, name, calendar), scatters[n], before.of(name))
            for n, name in enumerate(STREAMS)
        }
        return Paces(**laws, tickets=_tickets(now.tickets, before.tickets))

    def season(self, paces: Paces, calendar: Calendar) -> tuple[float, ...] | None:
        """Of the week that is over, by stream; whose pace seems to have changed counts less."""
        if self.age < LEAST_WEEKS:
            return None
        return tuple(_ratio(self.weeks[-1], n, paces.of(name), calendar) for n, name in enumerate(STREAMS))

    def _scatters(self, calendar: Calendar) -> Sequence[float | None]:
        """None: not known yet. Of whom has been watched over all blocks."""
        end = self.weeks[-1].number
        seen = {week.number: week for week in self.weeks}
        marks = [end - 4 * n for n in range(BLOCKS, -1, -1)]
        known = [week for mark in marks if (week := seen.get(mark)) is not None and len(week.who)]
        if len(known) <= BLOCKS:
            return [None] * len(STREAMS)
        who = sorted(set(known[0].who).intersection(*(week.who for week in known[1:])))
        totals = np.stack([week.total[_places(week.who, who)] for week in known])
        old = known[0].first[_places(known[0].who, who)]
        same = (old == known[-1].first[_places(known[-1].who, who)]) & (old <= end - 4 * BLOCKS)
        blocks = np.diff(totals, axis=0)[:, same]
        worth = [calendar.days(name, marks) / (4 * WEEK_DAYS) for name in STREAMS]
        return [_scatter(blocks[:, :, n], worth[n]) for n in range(len(STREAMS))]


def _week(number: int, rows: Sequence[Numbers]) -> Week:
    counted = [row.counts for row in rows]
    first = np.array([float(c.first) for c in counted])
    total, last = (
        np.array(column, dtype=np.float64).reshape(-1, 4)
        for column in ([c.total for c in counted], [c.last_week for c in counted])
    )
    return Week(
        number,
        [row.customer for row in rows],
        first,
        total,
        last,
        np.array([c.tickets for c in counted], dtype=np.float64).reshape(-1, 3),
        columns(table(list(rows))),
    )


def _watched(week: Week, stream: str, calendar: Calendar, *, weeks_ago: int = 0) -> Table:
    """What the days of each acquaintance are worth, up to now or to some weeks ago."""
    return calendar.weeks(stream, week.first, (week.number - weeks_ago) * WEEK).total


def _places(who: list[str], some: list[str]) -> list[int]:
    place = {name: n for n, name in enumerate(who)}
    return [place[name] for name in some]


def _law(count: Table, watched: Table, scatter: float | None, before: Prior) -> Prior:
    """Gamma, by moments: what counts vary by beyond Poisson is what customers differ by."""
    mean = float(count.sum() / max(1.0, watched.sum()))
    if mean == 0:
        return before
    between = float(((count - mean * watched) ** 2 - mean * watched).sum() / (watched**2).sum())
    variance = max(between, LEAST_SPREAD * mean**2)
    of = before.scatter if scatter is None else scatter
    return Prior(digits(mean**2 / variance), digits(mean / variance), digits(of))


def _scatter(counts: Table, worth: Table) -> float | None:
    """By counts of four weeks, a row each, for what the weeks are worth: their variance about the customer's own mean,
    beyond Poisson. In a quiet month few are divided by little, and so vary by more."""
    blocks = counts / worth[:, None]
    mean, variance = blocks.mean(axis=0), blocks.var(axis=0, ddof=1)
    squares = float((mean**2 - variance / len(blocks)).sum())
    beyond = float((variance - mean * (1 / worth).mean()).sum())
    return min(MOST_SCATTER, max(0.0, beyond / squares)) if squares > 0 else None


def _tickets(seen: Table, before: Tickets) -> Tickets:
    """By moments: one customer's, pooled; what means of them vary by beyond that, and variances beyond chance."""
    number, total, squares = seen[seen[:, 0] > 0].T
    known = number - 1
    if known.sum() <= 0:
        return before
    means = total / number / HUNDREDTHS
    apart = np.maximum(0.0, squares / HUNDREDTHS**2 - number * means**2)
    within = max(LEAST_OF_TICKETS, float(apart.sum() / known.sum()))
    between = max(LEAST_OF_TICKETS, float(((means - means.mean()) ** 2 - within / number).mean()))
    chance = 2 * float((known > 0).sum() / known.sum())
    unequal = float((known * (apart / np.maximum(1, known) / within - 1) ** 2).sum() / known.sum())
    differ = min(MOST_DIFFER, max(LEAST_DIFFER, (unequal - chance) / (1 + chance)))
    return Tickets(*map(digits, (float(means.mean()), between, within, 4 + 2 / differ)))


def _ratio(week: Week, stream: int, prior: Prior, calendar: Calendar) -> float:
    """Whose pace has probably changed counts less, and of them less is expected: who has left is no season, and were
    nothing foreseen of those of whom it does not show yet, each week would seem to be worth less than the last."""
    earlier = week.total[:, stream] - week.last[:, stream]
    days = _watched(week, STREAMS[stream], calendar, weeks_ago=1)
    same = _unchanged(_strength(week.of, STREAMS[stream]), np.clip(week.number - week.first, 0, RING_WEEKS - 1))
    foreseen = same + (1 - same) * LEFT[STREAMS[stream]]
    expected = foreseen * calendar.of_ratio_one(STREAMS[stream]) * (prior.events + earlier) / (prior.days + days)
    weight = np.where(days > 0, same, 0.0)
    ratio = float(((weight * week.last[:, stream]).sum() + CALM) / ((weight * expected).sum() + CALM))
    return digits(min(MOST_SEASON, max(LEAST_SEASON, ratio)))


def _strength(of: Columns[Table], stream: str) -> Table:
    """That the pace of the stream has changed, nats; a lapse is a change of everything but complaints."""
    if stream == "complaint":
        return of.complaint
    own = {"contact": of.contact, "enquiry": of.enquiry, "purchase": of.volume}
    said: Table = np.logaddexp(own[stream], of.lapse) - np.log(2)
    return said


def _unchanged(strength: Table, weeks: Table) -> Table:
    """P(no change) of each customer who has been watched for so many `weeks`. How often paces change differs from base
    to base: it is what makes the probabilities add up (expectation-maximisation), drawn to once in a hundred weeks."""
    odds, often = np.exp(np.minimum(MOST_SURE, strength)), OFTEN
    for _ in range(ROUNDS):
        changed = np.where(weeks > 0, often * odds / (1 + often * odds), 0.0)
        often = float((changed.sum() + 1) / (weeks.sum() + 1 / OFTEN))
    said: Table = 1 / (1 + often * odds)
    return said

"""By what is the risk of a customer told? The regressors of both models, and their offsets.

The offset is what MBG/NBD says in closed form; the others correct it by what that model does not see: silence against
the own rhythm and its regularity, whether the pace has been falling, tickets, complaints, and how sure it is that a
pace has changed, which stays as it was at the last look. All are defined from the first occasion on, by two pseudo-gaps
of the population.

Some stand still while the customer is silent, the others move with silence. Each is written once and computed of many
customers, as columns, or of one, as plain numbers: numpy takes as long for one number as for a hundred.
"""

import math
from collections.abc import Callable
from typing import Generic, NamedTuple

import numpy as np

from services.analytics.population.numbers import Columns, N, Table
from services.analytics.rules import Population

STILL = (
    "constant", "repeats", "single", "regularity", "last_gap", "complaints", "ticket", "last_ticket", "lapse_likely",
    "communication_likely", "complaint_likely", "volume_likely", "contact_likely", "enquiry_likely",
)  # fmt: skip
MOVING = (
    "offset", "silence", "rhythm", "over", "far_over", "age", "fast", "slow", "rhythm_known", "over_known",
    "over_regular", "fresh_complaints",
)  # fmt: skip
NAMES = STILL + MOVING
OFFSET = NAMES.index("offset")
UNLIKELY = 3.0  # nats, of a change of pace that says nothing yet
WORTH = 0.3  # of such nats: they go up to dozens, and what weighs little is held less by the prior of its weight
CERTAIN = 1e-9  # from certainty; what is nearer counts as that


class Mathematics(NamedTuple, Generic[N]):
    """The functions that differ between columns and plain numbers."""

    ln: Callable[[N], N]
    ln1p: Callable[[N], N]
    root: Callable[[N], N]
    at_least: Callable[[float, N], N]
    at_most: Callable[[float, N], N]
    softplus: Callable[[N], N]


def _softplus(x: float) -> float:
    return max(0.0, x) + math.log1p(math.exp(-abs(x)))


OF_MANY = Mathematics[Table](np.log, np.log1p, np.sqrt, np.maximum, np.minimum, lambda x: np.logaddexp(0.0, x))
OF_ONE = Mathematics[float](math.log, math.log1p, math.sqrt, max, min, _softplus)


class Rhythm(NamedTuple, Generic[N]):
    """The own gap of a customer, ln(1 + days), how well it is known, how regular it is, and the last one over it."""

    ln_gap: N
    known: N
    regularity: N
    ln_last: N


def rhythm(c: Columns[N], p: Population, m: Mathematics[N]) -> Rhythm[N]:
    gap = (c.last - c.first + 2 * p.gap_days) / (c.repeats + 2)
    own = (c.last - c.first) / m.at_least(1.0, c.repeats)
    spread = m.at_least(0.0, c.squares - c.repeats * own**2) + 2 * p.gap_days**2
    regularity = m.ln(m.root(spread / (c.repeats + 2)) / gap + 0.05)
    return Rhythm(m.ln1p(gap), c.repeats / (c.repeats + 3), regularity, m.ln((c.gap + 1) / (gap + 1)))


def still(c: Columns[N], r: Rhythm[N], m: Mathematics[N]) -> list[N]:
    """In the order of STILL."""
    single = m.at_least(0.0, 1 - c.repeats)
    return [
        0 * single + 1,
        m.ln1p(c.repeats),
        single,
        r.regularity,
        r.ln_last * (1 - single),
        m.ln1p(c.complaints),
        m.ln1p(c.mean),
        m.ln((c.ticket + 1) / (c.mean + 1)),
        WORTH * m.softplus(c.lapse - UNLIKELY),
        WORTH * m.softplus(c.communication - UNLIKELY),
        WORTH * m.softplus(c.complaint - UNLIKELY),
        WORTH * m.softplus(c.volume - UNLIKELY),
        WORTH * m.softplus(c.contact - UNLIKELY),
        WORTH * m.softplus(c.enquiry - UNLIKELY),
    ]


def moving(c: Columns[N], r: Rhythm[N], at: Table, offset: Table, horizon_days: float) -> list[Table]:
    """In the order of MOVING, each of the shape of `at`, days, not before the last occasion, or taken for that. What is
    known of customers is broadcast with it."""
    silence = np.maximum(0.0, at - c.last)
    ln_silence = np.log1p(silence)
    over_gap = ln_silence - r.ln_gap
    over = np.maximum(0.0, over_gap)
    fading = np.exp(silence / -horizon_days)
    complaints_fast = c.complaints_fast * np.exp(np.maximum(0.0, at - c.complained) * (-4 / horizon_days))
    return [
        offset,
        ln_silence,
        over_gap,
        over,
        np.maximum(0.0, over_gap - 1),
        np.log(silence + (c.last - c.first + 7)),
        np.log(c.fast * (fading * fading) ** 2 + 0.3),
        np.log(c.slow * fading + 0.3),
        over_gap * r.known,
        over * r.known,
        over * r.regularity,
        np.log1p(complaints_fast),
    ]


def features(c: Columns[Table], at: Table, offset: Table, p: Population, horizon_days: float) -> list[Table]:
    """Of each customer at an instant, in the order of NAMES."""
    own = rhythm(c, p, OF_MANY)
    return [*still(c, own, OF_MANY), *moving(c, own, at, offset, horizon_days)]


def log_odds_of_silence(c: Columns[N], at: Table, p: Population, days: float) -> Table:
    """ln odds of no occasion within so many days after `at`, by MBG/NBD: (a + (b+x) q(T+days)) / (a + (b+x) q(T)), q
    the likelihood of the silence of a customer who is still there."""
    return odds_of_silence(likelihood_of_silence(c, at, p), likelihood_of_silence(c, at + days, p), c, p)


def likelihood_of_silence(c: Columns[N], at: Table, p: Population) -> Table:
    """Up to `at`, of a customer who is still there: q."""
    said: Table = np.exp(
        -(p.r + c.repeats) * np.log1p(np.maximum(0.0, at - c.last) / (p.alpha_days + c.last - c.first))
    )
    return said


def odds_of_silence(now: Table, later: Table, c: Columns[N], p: Population) -> Table:
    """ln odds that who has been silent until now is so until later, by both likelihoods."""
    chance = p.b + c.repeats
    return log_odds(np.minimum(1.0, (p.a + chance * later) / (p.a + chance * now)))


def log_odds(probability: Table) -> Table:
    """In nats, finite."""
    inside = np.minimum(np.maximum(probability, CERTAIN), 1 - CERTAIN)
    said: Table = np.log(inside) - np.log1p(-inside)
    return said

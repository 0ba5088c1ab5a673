"""By what is the risk of a customer told? The regressors of both models, and their offsets.

The offset is what MBG/NBD says in closed form; the others correct it by what that model does not see: silence against
the own rhythm and its regularity, whether the pace has been falling, tickets, complaints, and how sure it is that a
pace has changed, which stays as it was at the last look. All are defined from the first occasion on, by two pseudo-gaps
of the population.
"""

import numpy as np

from services.analytics.population.numbers import Columns, Table
from services.analytics.rules import Population

NAMES = (
    "constant", "offset", "silence", "rhythm", "over", "far_over", "repeats", "single", "age", "fast", "slow",
    "rhythm_known", "over_known", "regularity", "last_gap", "over_regular", "complaints", "fresh_complaints",
    "ticket", "last_ticket", "lapse_likely", "communication_likely", "complaint_likely", "volume_likely",
    "contact_likely", "enquiry_likely",
)  # fmt: skip
UNLIKELY = 3.0  # nats, of a change of pace that says nothing yet
WORTH = 0.3  # of such nats: they go up to dozens, and what weighs little is held less by the prior of its weight
OFFSET = NAMES.index("offset")


def features(c: Columns, at: Table, offset: Table, p: Population, horizon_days: float) -> list[Table]:
    """Of each customer at one or several instants, days: columns broadcast with `at`, so what silence does not change
    may come once for all instants. `at` not before the last occasion, or taken for that."""
    silence = np.maximum(0.0, at - c.last)
    gap = (c.last - c.first + 2 * p.gap_days) / (c.repeats + 2)
    own = np.where(c.repeats > 0, (c.last - c.first) / np.maximum(1.0, c.repeats), p.gap_days)
    spread = np.maximum(0.0, c.squares - c.repeats * own**2) + 2 * p.gap_days**2
    regularity = np.log(np.sqrt(spread / (c.repeats + 2)) / gap + 0.05)
    ln_silence = np.log1p(silence)
    rhythm = ln_silence - np.log1p(gap)
    over, known = np.maximum(0.0, rhythm), c.repeats / (c.repeats + 3)
    complaints_fast = c.complaints_fast * np.exp(-np.maximum(0.0, at - c.complained) / (horizon_days / 4))
    fading = np.exp(-silence / horizon_days)
    return [
        np.ones_like(c.repeats),
        offset,
        ln_silence,
        rhythm,
        over,
        np.maximum(0.0, rhythm - 1),
        np.log1p(c.repeats),
        (c.repeats == 0).astype(np.float64),
        np.log(np.maximum(0.0, at - c.first) + 7),
        np.log(c.fast * (fading * fading) ** 2 + 0.3),
        np.log(c.slow * fading + 0.3),
        rhythm * known,
        over * known,
        regularity,
        np.where(c.repeats > 0, np.log((c.gap + 1) / (gap + 1)), 0.0),
        over * regularity,
        np.log1p(c.complaints),
        np.log1p(complaints_fast),
        np.log1p(c.mean),
        np.log((c.ticket + 1) / (c.mean + 1)),
        *(WORTH * np.logaddexp(0.0, strength - UNLIKELY) for strength in (
            c.lapse, c.communication, c.complaint, c.volume, c.contact, c.enquiry
        )),
    ]  # fmt: skip


def log_odds_of_silence(c: Columns, at: Table, p: Population, days: float) -> Table:
    """ln odds of no occasion within so many days after `at`, by MBG/NBD: (a + (b+x) q(T+days)) / (a + (b+x) q(T)), q
    the likelihood of the silence of a customer who is still there."""
    exponent, scale, chance = -(p.r + c.repeats), p.alpha_days + c.last - c.first, p.b + c.repeats
    silent = np.maximum(0.0, at - c.last)
    now, later = np.exp(exponent * np.log1p(silent / scale)), np.exp(exponent * np.log1p((silent + days) / scale))
    return log_odds(np.minimum(1.0, (p.a + chance * later) / (p.a + chance * now)))


def log_odds(probability: Table) -> Table:
    """In nats; what is nearer to certainty than 1e-9 counts as that."""
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    said: Table = np.log(inside) - np.log1p(-inside)
    return said

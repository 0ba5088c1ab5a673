"""How likely is it that a customer buys nothing more within the horizon?

MBG/NBD in closed form (Batislam et al. 2007): purchases of a customer are Poisson with a Gamma rate, and after each
of them, the first included, the customer may be gone. The same purchases and a longer silence is the joint event, so
the risk is a ratio of likelihoods. `q` is computed through logarithms: finite for any number of purchases, and
monotone in silence.
"""

from collections.abc import Callable
from math import exp, log, log1p

from services.analytics.rules import Population
from services.analytics.state import DAY


def risk(p: Population, repeats: int, last_days: float, age_days: float, horizon_days: float) -> float:
    """P(no purchase in the next `horizon_days`), in [0, 1]. Last purchase and age in days since the first."""
    return risk_by_time(p, repeats, last_days, horizon_days, since=0)(age_days * DAY)


def risk_by_time(
    p: Population, repeats: int, last_days: float, horizon_days: float, *, since: int
) -> Callable[[float], float]:
    """The same at any instant, micros; `since` is that of the first purchase. A search asks a dozen times while only
    the silence differs, so what stays is computed once, and `_q` is written out."""
    exponent, scale, chance = -(p.r + repeats), p.alpha_days + last_days, p.b + repeats

    def risk_at(instant: float) -> float:
        age_days = (instant - since) / DAY
        silent, later_silent = age_days - last_days, age_days + horizon_days - last_days
        now = exp(exponent * log1p(silent / scale)) if silent > 0 else 1.0
        later = exp(exponent * log1p(later_silent / scale)) if later_silent > 0 else 1.0
        return min(1.0, (p.a + chance * later) / (p.a + chance * now))

    return risk_at


def p_alive(p: Population, repeats: int, last_days: float, age_days: float) -> float:
    """P(the customer will ever buy again), in [0, 1]."""
    chance = (p.b + repeats) * _q(p, repeats, last_days, age_days)
    return chance / (p.a + chance)


def expected_gap_days(p: Population, repeats: int, last_days: float) -> float:
    """The customer's own days between purchases, drawn towards the population's by two pseudo-gaps."""
    return (last_days + 2 * p.gap_days) / (repeats + 2)


def log_odds(probability: float) -> float:
    """In nats, finite: probabilities beyond 1e-9 of certainty count as that."""
    inside = min(1 - 1e-9, max(1e-9, probability))
    return log(inside / (1 - inside))


def probability(odds: float) -> float:
    """The inverse of log_odds."""
    return 1 / (1 + exp(-odds)) if odds > 0 else 1 - 1 / (1 + exp(odds))


def _q(p: Population, repeats: int, last_days: float, age_days: float) -> float:
    """Likelihood of silence since the last purchase for a customer who is still there."""
    return exp(-(p.r + repeats) * log1p(max(0.0, age_days - last_days) / (p.alpha_days + last_days)))

"""How likely is it that a customer buys nothing more within the horizon?

MBG/NBD in closed form (Batislam et al. 2007): purchases of a customer are Poisson with a Gamma rate, and after each
of them, the first included, the customer may be gone. The same purchases and a longer silence is the joint event, so
the risk is a ratio of likelihoods. `q` is computed through logarithms: finite for any number of purchases, and
monotone in silence.
"""

from math import exp, log, log1p

from services.analytics.rules import Population


def risk(p: Population, repeats: int, last_days: float, age_days: float, horizon_days: float) -> float:
    """P(no purchase in the next `horizon_days`), in [0, 1]. Last purchase and age in days since the first."""
    now, later = _q(p, repeats, last_days, age_days), _q(p, repeats, last_days, age_days + horizon_days)
    return min(1.0, (p.a + (p.b + repeats) * later) / (p.a + (p.b + repeats) * now))


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

"""What is a customer worth who stays? What a year's purchases leave, by currency.

In: what is remembered of a customer, and the model of the base. Out: the margin of the occasions to be expected within
a year of the last one, if the customer is still there after it. Silence since then changes nothing: whoever is won back
is taken for what they were.
"""

from math import expm1, log1p, sqrt
from typing import NamedTuple

from services.analytics.population.model import Model
from services.analytics.rules import Population, Rules
from services.analytics.state import KNOWN_DAYS, MAX_MINOR, YEAR_DAYS, Customer, Occasions, days

LEAST_CHANCE = 1e-12  # of leaving with an occasion: below it, it makes no difference any more


class Worth(NamedTuple):
    """In one currency, minor units."""

    currency: str
    purchases: int  # in that currency, ever
    ticket: float  # spent at an occasion, on average
    value: int  # what is left of a year's occasions


def worths(c: Customer, rules: Rules, model: Model) -> list[Worth]:
    """In order of currency; none of a customer without an occasion."""
    p = c.occasions
    if p is None:
        return []
    as_of = max([w.at for w in c.wallets], default=0)
    spent = sorted([(w.currency, w.count, w.yearly(as_of)) for w in c.wallets])
    pace = _pace(p, next((yearly for currency, _, yearly in spent if currency == p.currency), 0.0))
    expected = occasions_in_a_year(model.population, p.repeats, days(p.last - p.first))
    kept = rules.margin * expected / sqrt(1 + rules.discount_rate)  # as if all were paid in the middle of the year
    tickets = [(currency, count, yearly / pace) for currency, count, yearly in spent]
    return [Worth(currency, count, one, round(min(MAX_MINOR, kept * one))) for currency, count, one in tickets]


def occasions_in_a_year(p: Population, repeats: int, last_days: float) -> float:
    """To be expected of a customer who has just had one and is still there, above 0 and at most one a day.

    MBG/NBD: the own rate is Gamma(r + x, alpha + t), the chance to leave with each one Beta(a, b + x + 1), so it is the
    mean of (1 - (1 + chance Y / (alpha + t)) ^ -(r + x)) / chance. Its closed form has a 2F1, whose computation
    fails far out; taken at two places it is finite for everybody, and never above the mean.
    """
    shape, years = p.r + repeats, YEAR_DAYS / (p.alpha_days + last_days)
    expected = 0.0
    for chance, weight in two_places(p.a, p.b + repeats + 1):
        place = max(LEAST_CHANCE, chance)
        expected -= weight * expm1(-shape * log1p(place * years)) / place
    return min(YEAR_DAYS, expected)


def two_places(a: float, b: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """(place, weight) twice, with the mean, the variance and the skewness of Beta(a, b): Gauss's rule for it."""
    total = a + b
    mean, spread = a / total, sqrt(a / total * (b / total) / (total + 1))
    lean = (b - a) / (total + 2) * sqrt((total + 1) / a / b)
    far = sqrt(1 + lean * lean)
    low, high = mean + spread * (lean - far), mean + spread * (lean + far)
    return (low, (far + lean) / (2 * far)), (high, (far - lean) / (2 * far))


def _pace(p: Occasions, yearly: float) -> float:
    """Occasions in a year as the yearly spend has them: so that in the first currency an occasion is worth its own mean
    ticket, and what is spent in others goes with it. Where nothing was spent at occasions, as they came."""
    ticket = p.spent / (p.repeats + 1)
    if ticket > 0 and yearly > 0:
        return yearly / ticket
    return (p.repeats + 1) * YEAR_DAYS / max(KNOWN_DAYS, days(p.last - p.first))

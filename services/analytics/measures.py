"""Which measure is worth its price for a customer at risk, and if none is, which comes nearest?

In: the risk, what the customer is worth who stays, the measures there are. Out: one of them with its sums. Shares and
amounts are whole numbers, so the sums are exact; they are rounded against the measure: cost up, benefit down.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from services.analytics.state import MAX_MINOR
from services.analytics.wire import Money, Recommendation
from shared.contracts.analytics import Sign
from shared.contracts.values import Defector

MILLION = 1_000_000  # what is published of a share has six digits
PERCENT = 100


class Measure(NamedTuple):
    """What can be done, and what is assumed of it. Amounts in minor units of the currency."""

    name: str
    words: str  # what to do, for people
    currency: str
    cost: int  # whatever comes of it
    incentive: int  # given to whoever takes it up
    take_up_percent: int  # of those who would have stayed anyway
    success_percent: int  # of those who would have left: they take it up, and stay
    suits: frozenset[str] = frozenset()  # signs and causes, one of which must be there; empty: everybody


class RuleOfThumb(NamedTuple):
    """A measure whose amounts are thousandths of the customer's own usual ticket."""

    name: str
    words: str
    cost: int
    incentive: int
    take_up_percent: int
    success_percent: int
    suits: frozenset[str] = frozenset()

    def of(self, ticket: int, currency: str) -> Measure:
        """`ticket`: minor units. Nothing is done for nothing: amounts are rounded up, and the cost is at least 1."""
        cost, incentive = max(1, _up(ticket * self.cost, 1000)), _up(ticket * self.incentive, 1000)
        return Measure(
            self.name, self.words, currency, cost, incentive, self.take_up_percent, self.success_percent, self.suits
        )


OUR_FAULT = frozenset(
    {Sign.COMPLAINT_INCREASE, Defector.PRODUCT, Defector.SERVICE, Defector.TECHNOLOGICAL, Defector.ORGANISATIONAL}
)
REMEDY = "an apology, a remedy, and a fifth of a usual purchase in return"
RULES_OF_THUMB = (
    RuleOfThumb("e-mail", "an e-mail that reminds the customer of us", 2, 0, 0, 1),
    RuleOfThumb("voucher", "a voucher for a tenth of a usual purchase", 5, 100, 50, 5),
    RuleOfThumb("personal call", "a call by somebody who knows the customer", 200, 0, 0, 8),
    RuleOfThumb("service recovery", REMEDY, 100, 200, 80, 15, OUR_FAULT),
)
"""Assumed, not measured: for as long as nobody has said what measures there are (docs/decisions/0025-measures.md)."""


def default_catalogue(ticket: float, currency: str) -> list[Measure]:
    """`ticket`: what is spent at an occasion, minor units."""
    return [rule.of(round(min(MAX_MINOR, ticket)), currency) for rule in RULES_OF_THUMB]


def recommended(
    risk: float, value: int, currency: str, catalogue: Iterable[Measure], known: Collection[str]
) -> Recommendation | None:
    """The one of the largest net benefit, which may be a loss; of two the first by name. None: nothing suits, or there
    is nothing to keep. `value`: of the customer who stays, minor units; `known`: signs and causes."""
    fitting = [m for m in catalogue if m.currency == currency and (not m.suits or not m.suits.isdisjoint(known))]
    if value <= 0 or not fitting:
        return None
    millionths = round(risk * MILLION)
    return min((_reckoned(m, millionths, value) for m in fitting), key=lambda r: (-r.net.amount_minor, r.name))


def _reckoned(m: Measure, risk: int, value: int) -> Recommendation:
    """`risk`: millionths. It pays if risk x success x (value - incentive) > cost + (1 - risk) x take-up x incentive."""
    left, stayed = risk * m.success_percent, (MILLION - risk) * m.take_up_percent
    benefit = left * value // (MILLION * PERCENT)
    cost = min(MAX_MINOR, m.cost + _up((left + stayed) * m.incentive, MILLION * PERCENT))
    kept, given = value - m.incentive, m.take_up_percent * m.incentive
    return Recommendation(
        name=m.name,
        words=m.words,
        success=m.success_percent / PERCENT,
        cost=Money(cost, m.currency),
        benefit=Money(benefit, m.currency),
        net=Money(benefit - cost, m.currency),
        is_worth_it=benefit > cost,
        break_even_risk=_share(m.cost * PERCENT + given, m.success_percent * kept + given),
        break_even_success=_share(m.cost * MILLION * PERCENT + stayed * m.incentive, PERCENT * risk * kept),
    )


def _share(part: int, whole: int) -> float | None:
    """Six digits, rounded up; none: it would have to be more than all."""
    return _up(part * MILLION, whole) / MILLION if 0 <= part <= whole and whole > 0 else None


def _up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)

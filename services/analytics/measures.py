"""Which measure is worth its price for a customer at risk, and if none is, which comes nearest?

In: the risk, what the customer is worth who stays, the measures there are. Out: one of them with its sums. Shares and
amounts are whole numbers, so the sums are exact; they are rounded against the measure: cost up, benefit down.
"""

from collections.abc import Set as AbstractSet

import msgspec

from services.analytics.state import MAX_MINOR, NEVER
from services.analytics.value import Worth
from services.analytics.wire import Money, Recommendation
from shared.contracts.analytics import Sign
from shared.contracts.values import Defector

MILLION = 1_000_000  # what is published of a share has six digits
THOUSAND = 1000


class Amount(msgspec.Struct, frozen=True):
    """A sum of money, or a share of what the customer usually spends at a time: of the ticket."""

    amount_minor: int = 0
    currency: str | None = None
    thousandths_of_ticket: int | None = None

    def of(self, ticket: int) -> int:
        """Both in minor units. A share is rounded up, and of the least of tickets at least one."""
        if self.thousandths_of_ticket is None:
            return self.amount_minor
        return min(MAX_MINOR, _up(max(1, ticket) * self.thousandths_of_ticket, THOUSAND))

    def is_payable(self, currency: str) -> bool:
        """An amount that a newer writer says in another way is in no currency."""
        return self.currency == currency or self.thousandths_of_ticket is not None


NOTHING = Amount(thousandths_of_ticket=0)


class Measure(msgspec.Struct, frozen=True):
    """What can be done, and what is assumed of it; as a catalogue in the log has it."""

    name: str
    words: str  # what to do, for people
    cost: Amount  # whatever comes of it
    success_thousandths: int  # of those who would have left: they take it up, and stay
    incentive: Amount = NOTHING  # given to whoever takes it up
    take_up_thousandths: int = 0  # of those who would have stayed anyway
    suits: tuple[str, ...] = ()  # signs and causes, one of which must be there; none: everybody

    def is_for(self, currency: str, known: AbstractSet[str]) -> bool:
        is_payable = self.cost.is_payable(currency) and self.incentive.is_payable(currency)
        return is_payable and (not self.suits or any(suit in known for suit in self.suits))


class Catalogue(msgspec.Struct, frozen=True):
    """Which measures there are. `at`: since when, micros; `evidence`: `<source>|<id>` of the event; none: assumed."""

    measures: tuple[Measure, ...]
    at: int = -NEVER
    evidence: str = ""

    def place(self) -> tuple[int, str]:
        """Of two catalogues the one with the higher place holds, in whichever order they are heard of."""
        return self.at, self.evidence


OUR_FAULT = (
    Sign.COMPLAINT_INCREASE,
    Defector.PRODUCT,
    Defector.SERVICE,
    Defector.TECHNOLOGICAL,
    Defector.ORGANISATIONAL,
)


def _rule_of_thumb(
    name: str, words: str, cost: int, success: int, *, incentive: int = 0, take_up: int = 0, suits: tuple[str, ...] = ()
) -> Measure:
    """Figures in thousandths, amounts of the ticket."""
    fixed, given = Amount(thousandths_of_ticket=cost), Amount(thousandths_of_ticket=incentive)
    return Measure(name, words, fixed, success, given, take_up, suits)


REMEDY = "an apology, a remedy, and a fifth of a usual purchase in return"
RULES_OF_THUMB = Catalogue(
    (
        _rule_of_thumb("e-mail", "an e-mail that reminds the customer of us", 2, 10),
        _rule_of_thumb("voucher", "a voucher for a tenth of a usual purchase", 5, 50, incentive=100, take_up=500),
        _rule_of_thumb("personal call", "a call by somebody who knows the customer", 200, 80),
        _rule_of_thumb("service recovery", REMEDY, 100, 150, incentive=200, take_up=800, suits=OUR_FAULT),
    )
)
"""Assumed, not measured: for as long as nobody has said what measures there are (docs/decisions/0025-measures.md)."""


def recommended(risk: float, worth: Worth, catalogue: Catalogue, known: AbstractSet[str]) -> Recommendation | None:
    """The one of the largest net benefit, which may be a loss; of two the first by name. None: nothing suits, or there
    is nothing to keep. `known`: signs and causes."""
    fitting = [m for m in catalogue.measures if m.is_for(worth.currency, known)]
    if worth.value <= 0 or not fitting:
        return None
    millionths = round(risk * MILLION)
    reckoned = (_reckoned(m, millionths, worth, catalogue.evidence) for m in fitting)
    return min(reckoned, key=lambda r: (-r.net.amount_minor, r.name))


def _reckoned(m: Measure, risk: int, worth: Worth, catalogue: str) -> Recommendation:
    """`risk`: millionths. It pays if risk x success x (value - incentive) > cost + (1 - risk) x take-up x incentive."""
    value, currency, ticket = worth.value, worth.currency, round(min(MAX_MINOR, worth.ticket))
    fixed, incentive = m.cost.of(ticket), m.incentive.of(ticket)
    left, stayed = risk * m.success_thousandths, (MILLION - risk) * m.take_up_thousandths
    benefit = left * value // (MILLION * THOUSAND)
    cost = min(MAX_MINOR, fixed + _up((left + stayed) * incentive, MILLION * THOUSAND))
    kept, given = value - incentive, m.take_up_thousandths * incentive
    return Recommendation(
        name=m.name,
        words=m.words,
        success=m.success_thousandths / THOUSAND,
        cost=Money(cost, currency),
        benefit=Money(benefit, currency),
        net=Money(benefit - cost, currency),
        is_worth_it=benefit > cost,
        break_even_risk=_share(fixed * THOUSAND + given, m.success_thousandths * kept + given),
        break_even_success=_share(fixed * MILLION * THOUSAND + stayed * incentive, THOUSAND * risk * kept),
        catalogue=catalogue or None,
    )


def _share(part: int, whole: int) -> float | None:
    """Six digits, rounded up; none: it would have to be more than all."""
    return _up(part * MILLION, whole) / MILLION if 0 <= part <= whole and whole > 0 else None


def _up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)

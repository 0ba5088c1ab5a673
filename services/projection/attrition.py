"""How does a customer's newest alert stand, and which of two open alerts is the graver one?

In: the messages of an alert's life. Out: its state as a reader sees it, and the row by which alerts are listed.
"""

import msgspec

from services.projection.timeline import Entry
from shared.contracts.analytics import AttritionAlert, AttritionAlertCleared, AttritionAlertSnoozed
from shared.contracts.values import Money, to_micros

CLEARED = "cleared"
BEFORE_ALL = 10**17  # microseconds: makes every time positive, so that text sorts as time does
_STATE_PREFIX = "tenure.attrition-alert-"


class Amount(msgspec.Struct, frozen=True):
    amount_minor: int
    currency: str


class RecommendedView(msgspec.Struct, frozen=True):
    """As `shared.contracts.analytics.Recommendation` has it."""

    name: str
    words: str
    success: float
    cost: Amount
    benefit: Amount
    net: Amount
    is_worth_it: bool
    break_even_risk: float | None = None
    break_even_success: float | None = None
    catalogue: str | None = None


class AlertView(msgspec.Struct, frozen=True):
    """The newest message of an alert. Times in microseconds since 1970."""

    alert: str  # id of the message that raised it
    rules: str
    state: str  # raised, escalated, acknowledged, snoozed, cleared, reopened
    since: int  # raised at
    as_of: int
    sequence: int
    risk: float | None = None
    value_at_risk: tuple[Amount, ...] = ()
    signs: tuple[str, ...] = ()
    probable_cause: str | None = None
    reasons: tuple[str, ...] = ()  # in plain words, the weightiest first
    snoozed_until: int | None = None
    recommended: RecommendedView | None = None
    lapse_declared: bool = False

    @property
    def is_open(self) -> bool:
        return self.state != CLEARED

    @property
    def value_minor(self) -> int:
        """The largest amount at risk, minor units. Currencies are not converted into one another."""
        return max((m.amount_minor for m in self.value_at_risk), default=0)

    @property
    def version(self) -> str:
        """Grows with the life of the alert: of two rows of a customer, the greater one is the newer one."""
        return f"{self.as_of + BEFORE_ALL:018} {self.rules} {self.sequence:010}"


class AlertRow(msgspec.Struct, frozen=True):
    """A customer's newest alert."""

    customer: str
    alert: AlertView


def state_of(type_: str) -> str:
    """'tenure.attrition-alert-raised.v1' -> 'raised'."""
    return type_.removeprefix(_STATE_PREFIX).partition(".")[0]


def alert_after(before: AlertView | None, said: AttritionAlert, entry: Entry) -> AlertView:
    """Messages come in order of sequence; each says all that holds from then on."""
    is_same = before is not None and before.alert == said.alert
    weighty = sorted(said.contributions, key=lambda c: -abs(c.weight))
    cleared = isinstance(said, AttritionAlertCleared)
    return AlertView(
        alert=said.alert,
        rules=said.rules,
        state=state_of(entry.type),
        since=before.since if before is not None and is_same else entry.at,
        as_of=to_micros(said.as_of),
        sequence=entry.sequence,
        risk=said.risk,
        value_at_risk=tuple(_amount(m) for m in said.value_at_risk),
        signs=tuple(s.sign.value for s in said.signs) or (before.signs if before and is_same and cleared else ()),
        probable_cause=said.probable_cause,
        reasons=tuple(c.reason for c in weighty),
        snoozed_until=to_micros(said.until) if isinstance(said, AttritionAlertSnoozed) else None,
        recommended=msgspec.convert(said.recommended, RecommendedView | None, from_attributes=True),
        lapse_declared=any(s.is_declared for s in said.signs),
    )


def _amount(money: Money) -> Amount:
    return Amount(money.amount_minor, money.currency)

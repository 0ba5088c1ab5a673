"""The published language of retention: purchases, lapse and return."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.envelope import Fact, Input
from shared.contracts.measures import Measures, MeasuresRecorded
from shared.contracts.values import Count, Currency, Defector, Minor, Money, Name, UtcTime, Words


class Purchase(Input):
    """The customer bought. The amount may be zero (a gift, a free item)."""

    TYPE: ClassVar[str] = "tenure.purchase.v1"
    amount_minor: Annotated[Minor, Field(ge=0)] = Field(description="minor units of the currency: 1999 is 19.99 EUR")
    currency: Currency = Field(description="ISO 4217")
    items: Count | None = None
    product: Name | None = None
    renews_at: UtcTime | None = Field(default=None, description="when the contract falls due for renewal")


class Lapse(Input):
    """A channel knows that the customer has left: a contract ended, an account was closed."""

    TYPE: ClassVar[str] = "tenure.lapse.v1"
    reason: Defector | None = None
    words: Words | None = None
    to_competitor: Name | None = None


class AlertAcknowledged(Input):
    """Somebody has taken the alert in hand."""

    TYPE: ClassVar[str] = "tenure.alert-acknowledged.v1"
    alert: str = Field(min_length=1, max_length=512, description="id of the alert")
    by: Name


class AlertSnoozed(Input):
    """Somebody wants no more of the alert until then."""

    TYPE: ClassVar[str] = "tenure.alert-snoozed.v1"
    alert: str = Field(min_length=1, max_length=512, description="id of the alert")
    by: Name
    until: UtcTime
    reason: Words


class PurchaseRecorded(Purchase, Fact):
    TYPE: ClassVar[str] = "tenure.purchase-recorded.v1"


class LapseRecorded(Lapse, Fact):
    TYPE: ClassVar[str] = "tenure.lapse-recorded.v1"


class AlertAcknowledgementRecorded(AlertAcknowledged, Fact):
    TYPE: ClassVar[str] = "tenure.alert-acknowledgement-recorded.v1"


class AlertSnoozeRecorded(AlertSnoozed, Fact):
    TYPE: ClassVar[str] = "tenure.alert-snooze-recorded.v1"


class FirstPurchase(Fact):
    """The customer bought for the first time. A cause for acquisition."""

    TYPE: ClassVar[str] = "tenure.first-purchase.v1"


class Basis(StrEnum):
    """How retention is measured in a segment, and so on what ground a lapse was found."""

    DECLARED = "declared"  # a channel said so
    SILENCE = "days-without-purchase"
    RHYTHM = "multiple-of-own-rhythm"
    RENEWAL = "renewal-date"


class Lapsed(Fact):
    """The customer is gone, as a channel says or as the clock shows; once, until they return.

    A cause for acquisition and interaction.
    """

    TYPE: ClassVar[str] = "tenure.lapsed.v1"
    basis: Basis
    silent_days: Count | None = Field(
        default=None, description="whole days since the last purchase; none: never bought"
    )
    defector: Defector | None = Field(default=None, description="none: not known yet")
    evidence: str | None = Field(
        default=None, description="source|id of the channel's event that tells the defector type"
    )
    lifetime_spend: tuple[Money, ...] = Field(default=(), description="per currency")


class GrievanceNoted(Fact):
    """Why this customer might leave, kept for the day on which they do."""

    TYPE: ClassVar[str] = "tenure.grievance-noted.v1"
    about: Defector
    evidence: str


class DefectorClassified(Fact):
    """After the lapse it became known what for the customer had left."""

    TYPE: ClassVar[str] = "tenure.defector-classified.v1"
    defector: Defector
    evidence: str


class Returned(Fact):
    """A lapsed customer bought again. A cause for acquisition."""

    TYPE: ClassVar[str] = "tenure.returned.v1"
    away_days: Count = Field(description="whole days since the lapse; 0 also if a late purchase shows that it was none")


INPUTS: tuple[type[Input], ...] = (Purchase, Lapse, AlertAcknowledged, AlertSnoozed, Measures)
RECORDED_AS: dict[type[Input], type[Fact]] = {
    Purchase: PurchaseRecorded,
    Lapse: LapseRecorded,
    AlertAcknowledged: AlertAcknowledgementRecorded,
    AlertSnoozed: AlertSnoozeRecorded,
    Measures: MeasuresRecorded,
}
FACTS: tuple[type[Fact], ...] = (
    PurchaseRecorded,
    LapseRecorded,
    AlertAcknowledgementRecorded,
    AlertSnoozeRecorded,
    MeasuresRecorded,
    FirstPurchase,
    Lapsed,
    GrievanceNoted,
    DefectorClassified,
    Returned,
)

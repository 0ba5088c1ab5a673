"""The published language of analytics: the six signs, the life of an alert, the current risk of a customer.

An alert is one episode of one customer, however many signs join it. Each transition of its life is one message on
`attrition.alerts`; its bytes depend on the arguments of `alert_bytes` alone, so a message sent twice is the same twice.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from shared.contracts.envelope import (
    SCHEMA_ROOT,
    Envelope,
    Fact,
    compact_json,
    read_as,
)
from shared.contracts.values import Currency, Defector, Model, Money, Name, Probability, UtcTime, format_time

SOURCE = "tenure/analytics"
MAX_EVIDENCE = 8  # events named per sign, the newest
RulesName = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]


class Sign(StrEnum):
    """The six signs of attrition; a lapse, which a channel declares or silence on every side shows; and the combined
    risk of which they are parts."""

    CONTACT_DECLINE = "contact_decline"
    ENQUIRY_DECLINE = "enquiry_decline"
    COMMUNICATION_DECLINE = "communication_decline"
    COMPLAINT_INCREASE = "complaint_increase"
    ACTIVE_BUYERS_DECLINE = "active_buyers_decline"
    VOLUME_DECLINE = "volume_decline"
    LAPSE = "lapse"
    ATTRITION = "attrition"


Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class SignEvidence(Model):
    """One sign with its proof. Figures are events; of `active_buyers_decline` buyers; with a `currency` minor units."""

    sign: Sign
    since: UtcTime = Field(description="where the change begins; of `attrition`, the last purchase")
    observed: Figure = Field(description="in the window")
    expected: Figure = Field(description="in the window, by the customer's own past")
    currency: Currency | None = None
    window_days: Figure = Field(description="none of a lapse: a channel declared it")
    strength: Figure = Field(description="log likelihood ratio of the change against no change, in nats")
    probability: Probability | None = Field(default=None, description="that the pace has changed")
    told_at: UtcTime | None = Field(
        default=None, description="since when it is up, or was told again while it stayed so"
    )
    evidence: tuple[str, ...] = Field(
        default=(), max_length=MAX_EVIDENCE, description="source|id, newest first; of a lapse by kind"
    )
    last_before: str | None = Field(
        default=None, description="source|id of the last event before what is observed, where it is still known"
    )

    @property
    def is_declared(self) -> bool:
        """By a channel; every other sign is seen in a window of time."""
        return self.sign is Sign.LAPSE and self.window_days == 0


class Contribution(Model):
    """What speaks for the risk, in plain words, and how much of it in nats; zero for what only explains."""

    reason: str
    weight: Annotated[float, Field(allow_inf_nan=False)]


class Recommendation(Model):
    """The measure with the largest net benefit, and its sums: over a year, rounded against the measure."""

    name: str
    words: str = Field(description="what to do, in plain words")
    success: Probability = Field(description="assumed: of those who would have left, the share that stays with it")
    cost: Money = Field(description="to be expected, whatever is given to the customer included")
    benefit: Money = Field(description="to be expected: risk x success x what the customer is worth who stays")
    net: Money = Field(description="benefit less cost")
    is_worth_it: bool = Field(description="the net benefit is above zero; if not, the measure is withheld")
    break_even_risk: Probability | None = Field(
        default=None, description="above it, it would be worth it with that success; none: at no risk"
    )
    break_even_success: Probability | None = Field(
        default=None, description="above it, it would be worth it at this risk; none: with no success"
    )
    catalogue: str | None = Field(
        default=None, description="source|id of the event that brought the measure; none: assumed by rule of thumb"
    )


class AttritionAlert(Fact):
    """What every message of an alert says, as of one instant."""

    alert: str = Field(description="id of the message that raised the alert; the same in every message of its life")
    risk: Probability | None = Field(default=None, description="of no purchase within the horizon; none: never bought")
    risk_before: Probability | None = Field(default=None, description="the risk in the message before this one")
    contributions: tuple[Contribution, ...] = ()
    signs: tuple[SignEvidence, ...] = Field(default=(), description="those that are up at this instant")
    value_at_risk: tuple[Money, ...] = Field(
        default=(), description="risk x the margin of a year's purchases if the customer stays, one amount per currency"
    )
    recommended: Recommendation | None = Field(
        default=None, description="in the currency of most purchases; none: nothing to keep, or the alert is cleared"
    )
    probable_cause: Defector | None = None
    segment: Name | None = Field(default=None, description="of the customer, as a channel said it last")
    rules: RulesName = Field(description="version of the rules that judged")
    model: str | None = Field(
        default=None, description="id of the fact that says how the base was fitted to; none: by published parameters"
    )
    as_of: UtcTime = Field(
        description="the time of the event, or that at which silence made it true; never that of the computation"
    )


class AttritionAlertRaised(AttritionAlert):
    """A first sign came up: an alert begins."""

    TYPE: ClassVar[str] = "tenure.attrition-alert-raised.v1"


class AttritionAlertEscalated(AttritionAlert):
    """Another sign joined an open alert, or the risk reached a higher band."""

    TYPE: ClassVar[str] = "tenure.attrition-alert-escalated.v1"


class AttritionAlertAcknowledged(AttritionAlert):
    """Somebody took the alert in hand."""

    TYPE: ClassVar[str] = "tenure.attrition-alert-acknowledged.v1"


class AttritionAlertSnoozed(AttritionAlert):
    """The alert is not escalated before `until`."""

    TYPE: ClassVar[str] = "tenure.attrition-alert-snoozed.v1"
    until: UtcTime
    reason: str | None = None


class AttritionAlertCleared(AttritionAlert):
    """Nothing is up any more, or the customer has lapsed; the contributions say which."""

    TYPE: ClassVar[str] = "tenure.attrition-alert-cleared.v1"


class AttritionAlertReopened(AttritionAlert):
    """A sign came up again soon after the alert was cleared, or was still up when its snooze ended."""

    TYPE: ClassVar[str] = "tenure.attrition-alert-reopened.v1"


ALERTS: tuple[type[AttritionAlert], ...] = (
    AttritionAlertRaised,
    AttritionAlertEscalated,
    AttritionAlertAcknowledged,
    AttritionAlertSnoozed,
    AttritionAlertCleared,
    AttritionAlertReopened,
)
ALERT_TYPES: dict[str, type[AttritionAlert]] = {c.TYPE: c for c in ALERTS}


class RiskRow(Fact):
    """The current risk of one customer, on a compacted topic: the newest row replaces the ones before it."""

    TYPE: ClassVar[str] = "tenure.attrition-risk.v1"
    risk: Probability | None = None
    value_at_risk: tuple[Money, ...] = ()
    alert: str | None = Field(default=None, description="id of the alert that is open")
    rules: RulesName
    as_of: UtcTime


class AlertEnvelope(Envelope):
    sequence: Annotated[str, StringConstraints(pattern=r"^\d{10,}$")]


@dataclass(frozen=True, slots=True)
class Alert:
    """A message of an alert's life as it stands on the topic."""

    producer: str  # analytics/<rules>
    subject: str
    sequence: int  # from 1, per producer and customer, without a gap
    time: datetime
    type: str
    data: AttritionAlert

    @property
    def id(self) -> str:
        return f"{self.producer}/{self.subject}/{self.sequence}"


@dataclass(frozen=True, slots=True)
class Risk:
    """A row of the compacted topic. `sequence` counts the rows of one customer under one version of the rules."""

    subject: str
    sequence: int
    data: RiskRow


def alert_id(rules: str, customer: str, sequence: int) -> str:
    return f"analytics/{rules}/{customer}/{sequence}"


def alert_bytes(customer: str, sequence: int, data: AttritionAlert) -> bytes:
    """The message as published: the same for the same arguments on every machine, whenever it is computed."""
    id_ = alert_id(data.rules, customer, sequence)
    return said(id_, data.as_of, data, subject=customer, key=customer, sequence=sequence)


def risk_bytes(customer: str, sequence: int, data: RiskRow) -> bytes:
    """The row as published; its id is that of no alert."""
    id_ = f"analytics/{data.rules}/{customer}/risk/{sequence}"
    return said(id_, data.as_of, data, subject=customer, key=customer, sequence=sequence)


def read_alert(raw: bytes) -> Alert:
    """Raises Unreadable, or UnknownType for a type of a newer release."""
    envelope, data = read_as(raw, AlertEnvelope, ALERT_TYPES)
    producer = f"analytics/{data.rules}"
    return Alert(producer, envelope.subject, int(envelope.sequence), envelope.time, envelope.type, data)


def read_risk(raw: bytes) -> Risk:
    """Raises Unreadable or UnknownType."""
    envelope, data = read_as(raw, AlertEnvelope, {RiskRow.TYPE: RiskRow})
    return Risk(envelope.subject, int(envelope.sequence), data)


def said(id_: str, as_of: datetime, data: Fact, *, subject: str, key: str, sequence: int | None = None) -> bytes:
    """What analytics publishes, as a CloudEvent."""
    return compact_json(
        {
            "specversion": "1.0",
            "id": id_,
            "source": SOURCE,
            "type": data.TYPE,
            "subject": subject,
            "time": format_time(as_of),
            "datacontenttype": "application/json",
            "dataschema": SCHEMA_ROOT + data.TYPE,
            "partitionkey": key,
            "sequence": None if sequence is None else f"{sequence:010}",
            "data": data.model_dump(mode="json", exclude_none=True),
        }
    )

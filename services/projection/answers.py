"""What does the read API answer? The models of its documents; times are RFC 3339 in UTC, amounts whole minor units.

Each is read off what the fold and the stores hold, where times are microseconds since 1970.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from services.projection.attrition import AlertRow
from services.projection.timeline import Entry
from services.projection.view import Mark, View
from shared.contracts.measures import MeasuresRecorded, RecordedMeasure
from shared.contracts.values import format_time, from_micros


def _time(value: Any) -> Any:
    return from_micros(value) if isinstance(value, int) else value


def _word(value: Any) -> Any:
    return value.word if isinstance(value, Mark) else value


def _sums(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return [{"amount_minor": minor, "currency": currency} for currency, minor in sorted(value.items())]


Time = Annotated[
    datetime,
    BeforeValidator(_time),
    PlainSerializer(format_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Word = Annotated[str | None, BeforeValidator(_word)]
Next = Annotated[str | None, Field(description="cursor of what follows; none: this was all")]


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Sum(Answer):
    """1999 is 19.99 EUR, but 1999 JPY. Not bounded: it may be the sum of many."""

    amount_minor: int
    currency: str


class TimelineEntry(Answer):
    """A fact or an alert. `source` and `id` are those of its CloudEvent."""

    time: Time
    type: str
    source: str
    id: str
    data: Any = Field(description="as published")
    producer: str = Field(description="the service that said it; of alerts with the version of the rules")
    sequence: int = Field(description="from 1, per producer and customer, without a gap")
    input: str | None = Field(default=None, description="source|id of the channel's event that it records")
    cause: str | None = Field(default=None, description="source|id of what it was decided from")


class TimelinePage(Answer):
    customer: str
    items: list[TimelineEntry]
    next: Next = None


class CustomerPage(Answer):
    items: list[str] = Field(description="ids, in order of their code points")
    next: Next = None


class Recommended(Answer):
    """The measure with the largest net benefit for this customer, with what it would cost and bring."""

    name: str
    words: str = Field(description="what to do, in plain words")
    is_worth_it: bool = Field(description="if not, the measure is withheld, and nothing pays")
    cost: Sum
    benefit: Sum
    net: Sum = Field(description="benefit less cost")
    success: float = Field(description="assumed: of those who would have left, the share that stays with it")
    break_even_success: float | None = Field(description="what it would have to be; none: nothing would do")
    break_even_risk: float | None = Field(description="above it, it would be worth it; none: at no risk")
    catalogue: str | None = Field(
        description="source|id of the event that brought the measure; none: assumed by rule of thumb"
    )


class AlertBody(Answer):
    """An alert as its newest message leaves it."""

    alert: str = Field(description="id of the message that raised it")
    state: str = Field(description="raised, escalated, acknowledged, snoozed, cleared or reopened")
    since: Time = Field(description="when it was raised")
    as_of: Time = Field(description="the instant that the newest message judges")
    risk: float | None = Field(description="probability that the customer buys no more within the horizon")
    value_at_risk: list[Sum]
    recommended: Recommended | None
    signs: list[str]
    lapse_declared: bool = Field(description="a channel has said that the customer is gone: there is one to win back")
    probable_cause: str | None
    reasons: list[str] = Field(description="in plain words, the weightiest first")
    snoozed_until: Time | None
    rules: str = Field(description="version of the rules that judged")


class Alert(AlertBody):
    customer: str


class AlertPage(Answer):
    items: list[Alert]
    next: Next = None


class Measures(Answer):
    """Which measures there are, by the newest that were sent."""

    since: Time = Field(description="their own time")
    event: str = Field(description="source|id of the event that brought them")
    measures: list[RecordedMeasure]


class Acquisition(Answer):
    origin: str | None
    stage: str | None
    stage_since: Time | None
    course: int = Field(description="1 for the first, 2 for the first after a lapse; 0: none yet")


class Purchases(Answer):
    count: int
    first_at: Time | None
    last_at: Time | None
    spend: Annotated[list[Sum], BeforeValidator(_sums)] = Field(description="one amount per currency")
    rhythm_days: float | None = Field(description="mean gap between two purchases; none before the second")


class Contacts(Answer):
    inbound: int
    outbound: int
    last_inbound_at: Time | None
    last_outbound_at: Time | None


class OpenComplaint(Answer):
    complaint: str
    opened_at: Time
    acknowledge_by: Time | None = Field(description="none: it has been acknowledged")
    resolve_by: Time
    reopened: int = Field(description="how often")
    breached: list[str] = Field(description="standards that were not kept")


class Complaints(Answer):
    open: list[OpenComplaint] = Field(description="in the order in which they were opened")
    opened: int
    resolved: int
    breaches: int = Field(description="of service standards, over all time")


class FollowUps(Answer):
    due: list[Time] = Field(description="promised and still awaited")
    kept: int
    missed: int


class Satisfaction(Answer):
    count: int
    last_score: int | None = Field(description="0 to 100")
    last_at: Time | None
    mean: float | None


class Lapse(Answer):
    lapsed: bool
    since: Time | None
    basis: str | None
    defector: str | None = Field(description="what the customer left for, as far as known")
    times: int = Field(description="how often the customer has lapsed")
    returned_at: Time | None


class Glance(Answer):
    first_event_at: Time | None
    last_event_at: Time | None
    source: Word = Field(description="the channel of the earliest event")
    segment: Word
    account: Word
    campaign: Word
    acquisition: Acquisition
    purchases: Purchases
    contacts: Contacts
    complaints: Complaints
    follow_ups: FollowUps
    satisfaction: Satisfaction
    lapse: Lapse
    risk: float | None = Field(description="as the newest message of an alert says")
    open_alert: AlertBody | None
    counts: dict[str, int] = Field(description="type -> entries of it on the timeline")


class Customer(Glance):
    """A customer at a glance."""

    customer: str
    as_of: Time | None = Field(description="as asked for; none: all that is known")


class Summary(Answer):
    """The whole base in figures, counted when asked."""

    customers: int
    entries: dict[str, int] = Field(description="type -> entries of it on all timelines, alerts among them")
    alerts_by_state: dict[str, int] = Field(description="customers by the state of their newest alert")
    open_alerts_by_sign: dict[str, int] = Field(description="an alert with two signs counts under both")
    lapsed: int = Field(description="customers who are lapsed")
    open_complaints: int


def entry_answer(customer: str, entry: Entry) -> TimelineEntry:
    return TimelineEntry(
        time=from_micros(entry.at),
        type=entry.type,
        source=entry.source,
        id=entry.id(customer),
        data=json.loads(entry.data),
        producer=entry.producer,
        sequence=entry.sequence,
        input=entry.input,
        cause=entry.cause,
    )


def alert_answer(row: AlertRow) -> Alert:
    return Alert(customer=row.customer, **dict(AlertBody.model_validate(row.alert)))


def customer_answer(customer: str, view: View, as_of: datetime | None) -> Customer:
    return Customer(customer=customer, as_of=as_of, **dict(Glance.model_validate(view)))


def measures_answer(entry: Entry) -> Measures:
    said = MeasuresRecorded.model_validate_json(entry.data)
    return Measures(since=from_micros(entry.at), event=entry.input or "", measures=list(said.measures))

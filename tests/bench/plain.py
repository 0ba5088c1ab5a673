"""The log as a plain user of pydantic would model it: one union over everything that stands in it.

In: bytes of a record. Out: a validated model, or pydantic's ValidationError. Types and patterns only, no validator in
Python, so all of the work is done in pydantic's core: this is to be cheap. Facts that are no recorded input are told
apart by their type, and their data is not looked into.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, create_model

from shared.contracts.catalogue import FACT_TYPES

Text = Annotated[str, Field(min_length=1)]
Direction = Literal["inbound", "outbound"]
Cause: TypeAlias = Literal["price", "product", "service", "market", "technological", "organisational"]


class Said(BaseModel):
    channel: Text | None = None
    segment: Text | None = None
    account: Text | None = None
    buyer: Text | None = None
    imported: bool = Field(default=False, alias="import")
    words: Text | None = None


class Enquiry(Said):
    origin: Text
    stance: Text | None = None
    topic: Text | None = None
    campaign: dict[str, Any] | None = None
    referred_by: Text | None = None


class Contact(Said):
    route: Text
    direction: Direction
    purpose: Text
    handled_by: Text | None = None
    answers: Text | None = None
    follow_up_by: AwareDatetime | None = None


class Complaint(Said):
    complaint: Text | None = None
    route: Text | None = None
    direction: Direction
    about: Cause | None = None


class ComplaintProgress(Said):
    complaint: Text
    step: Literal["acknowledged", "resolved", "reopened"]
    about: Cause | None = None


class Satisfaction(Said):
    score: int = Field(ge=0, le=100)
    survey: Text | None = None


class ExitInterview(Said):
    reason: Cause
    would_return: bool | None = None


class Purchase(Said):
    amount_minor: int = Field(ge=0)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    items: int | None = Field(default=None, ge=0)
    product: Text | None = None
    renews_at: AwareDatetime | None = None


class Lapse(Said):
    reason: Cause | None = None
    to_competitor: Text | None = None


class AlertAcknowledged(Said):
    alert: Text
    by: Text


class AlertSnoozed(AlertAcknowledged):
    until: AwareDatetime
    reason: Text


class Amount(BaseModel):
    amount_minor: int | None = Field(default=None, ge=0)
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    thousandths_of_ticket: int | None = Field(default=None, ge=0)


class Measure(BaseModel):
    name: Text
    words: Text
    cost: Amount
    incentive: Amount | None = None
    take_up_thousandths: int = Field(ge=0, le=1000)
    success_thousandths: int = Field(ge=0, le=1000)
    suits: list[Text] = []


class Measures(Said):
    measures: list[Measure]


class Fact(BaseModel):
    specversion: Literal["1.0"]
    id: Text
    source: Text
    subject: str = Field(min_length=1, max_length=128)
    time: AwareDatetime
    sequence: str = Field(pattern=r"^\d{10,}$")
    commit: str = Field(pattern=r"^\d+-\d+$")
    causeid: Text
    causedigest: str | None = None
    inputid: str | None = None
    traceparent: str | None = None


class TickData(BaseModel):
    at: AwareDatetime
    last: bool


class Tick(BaseModel):
    specversion: Literal["1.0"]
    id: Text
    source: Text
    type: Literal["tenure.tick.v1"]
    data: TickData


RECORDED: dict[str, type[Said]] = {
    "tenure.enquiry-recorded.v1": Enquiry,
    "tenure.contact-recorded.v1": Contact,
    "tenure.complaint-recorded.v1": Complaint,
    "tenure.complaint-progress-recorded.v1": ComplaintProgress,
    "tenure.satisfaction-recorded.v1": Satisfaction,
    "tenure.suggestion-recorded.v1": Said,
    "tenure.exit-interview-recorded.v1": ExitInterview,
    "tenure.purchase-recorded.v1": Purchase,
    "tenure.lapse-recorded.v1": Lapse,
    "tenure.alert-acknowledgement-recorded.v1": AlertAcknowledged,
    "tenure.alert-snooze-recorded.v1": AlertSnoozed,
    "tenure.measures-recorded.v1": Measures,
}


def validator() -> TypeAdapter[Any]:
    """Of any record's value in the log; discriminated by `type`."""
    union: Any = Tick | _fact(dict[str, Any], *sorted(FACT_TYPES.keys() - RECORDED.keys()))
    for type_, data in RECORDED.items():
        union |= _fact(data, type_)
    return TypeAdapter(Annotated[union, Field(discriminator="type")])


def _fact(data: Any, *types: str) -> Any:
    fields: dict[str, Any] = {"type": (Literal[types], ...), "data": (data, ...)}
    return create_model("PlainFact", __base__=Fact, **fields)

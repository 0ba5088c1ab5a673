"""The published language of analytics about the whole base: what a partition tells, and what follows for all.

At each calendar week every partition of the log says its part on `attrition.population`, and one result is given back.
The bytes of either depend on the arguments alone, so a message sent twice is the same twice. Key and partition key are
the id: the second copy of a message has the key of the first.
"""

from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from shared.contracts.analytics import RulesName, said
from shared.contracts.envelope import (
    Envelope,
    Fact,
    read_as,
)
from shared.contracts.values import MAX_CUSTOMER_ID, Count, Model, Probability, UtcTime, format_time

SUBJECT: Literal["population"] = "population"

DayNumber = Annotated[int, Field(strict=True, description="days since 1970, UTC")]
Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
CustomerKey = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_CUSTOMER_ID)]
Digest = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{16}$",
        description="of the figures of the rules, for which their name stands for good: by others under the same name "
        "nobody goes on",
    ),
]
OneIn = Annotated[int, Field(strict=True, ge=1)]


Strength = Annotated[Figure, Field(description="of a change of pace, nats, as of the last look")]
FourCounts = Annotated[
    tuple[Count, Count, Count, Count], Field(description="contacts by the customer, enquiries, complaints, purchases")
]


class CustomerCounts(NamedTuple):
    """What was counted of one customer up to the instant, from the week after that of the acquaintance on."""

    first: Annotated[int, Field(strict=True, description="that week, counted from 1970-01-01")]
    total: FourCounts
    last_week: FourCounts
    tickets: Annotated[
        tuple[Count, Count, Count],
        Field(description="number; sums of their logarithms in hundredths, and of the squares of these"),
    ]


class CustomerNumbers(NamedTuple):
    """One customer at the instant. An array, because there may be thousands: the schema describes each place."""

    customer: CustomerKey
    first: Annotated[DayNumber, Field(description="first occasion, days since 1970, UTC")]
    last: Annotated[DayNumber, Field(description="last occasion")]
    opened: Annotated[DayNumber, Field(description="first occasion of the calendar week that the last one is in")]
    complained: Annotated[DayNumber, Field(description="last complaint; 0: none")]
    repeats: Annotated[Count, Field(description="occasions after the first")]
    squares: Annotated[Figure, Field(description="sum of the squares of the gaps between occasions, days squared")]
    gap: Annotated[Figure, Field(description="before the last occasion, days")]
    fast: Annotated[Figure, Field(description="occasions that fade within a quarter of the horizon, as of the last")]
    slow: Annotated[Figure, Field(description="occasions that fade within the horizon, as of the last")]
    mean: Annotated[Figure, Field(description="of the amounts, in hundreds of minor units")]
    ticket: Annotated[Figure, Field(description="the last amount, in hundreds of minor units")]
    complaints: Count
    complaints_fast: Annotated[
        Figure, Field(description="complaints that fade within a quarter of the horizon, as of the last one")
    ]
    contact: Strength
    enquiry: Strength
    communication: Strength
    complaint: Strength
    volume: Strength
    lapse: Strength
    counts: CustomerCounts


class SegmentFigures(NamedTuple):
    """All customers of one segment who had an occasion before the week that has ended; sums are exact."""

    segment: Annotated[str, Field(strict=True, max_length=128, description="empty: all customers of the partition")]
    customers: Count
    buyers: Annotated[Count, Field(description="of them, with an occasion in the week")]
    expected: Annotated[Count, Field(description="buyers that were to be expected, times 2^32")]
    value: Annotated[Count, Field(description="what the buyers spent, minor units; at most some usual tickets each")]
    expected_value: Annotated[Count, Field(description="what the expected buyers spend at their usual tickets")]


class Segments(Model):
    """What a partition tells of its segments, for the week that has ended."""

    one_in: OneIn = Field(default=1, description="of one in so many segments, chosen by CRC-32 of the name")
    rows: tuple[SegmentFigures, ...] = Field(default=(), description="in order of name")


class Candidate(NamedTuple):
    """Of a customer who shows a sign that no alert has been raised for, or will by silence."""

    customer: CustomerKey
    probability: Annotated[Probability, Field(description="of the likeliest sign: the risk, or that a pace changed")]
    among: Annotated[str, Field(max_length=128, description="the segment whose places it is for; empty: all others")]
    is_new: Annotated[bool, Field(strict=True, description="nothing has been waiting for more than a week")]


class AttritionPopulationPart(Fact):
    """One partition of the log tells of its customers at the beginning of a week, once it has judged all before it."""

    TYPE: ClassVar[str] = "tenure.attrition-population-part.v1"
    rules: RulesName = Field(description="version of the rules that judged")
    digest: Digest
    week: UtcTime = Field(description="the instant it is as of: a whole number of weeks after 1970-01-01, a Thursday")
    partition: Count = Field(description="of the log")
    is_first: bool = Field(description="the partition has told nothing of an earlier week")
    customers: Count = Field(description="that have had an occasion")
    one_in: OneIn = Field(description="the rows are of one in so many customers, chosen by CRC-32 of the id")
    rows: tuple[CustomerNumbers, ...] = Field(default=(), description="in order of the customer's id")
    segments: Segments = Segments()
    candidates: tuple[Candidate, ...] = Field(
        default=(), description="for an alert in the week to come, the likeliest; where their number is limited"
    )


class PopulationParameters(Model):
    """MBG/NBD, in days."""

    r: Finite
    alpha_days: Finite
    a: Finite
    b: Finite
    gap_days: Finite = Field(description="between two occasions, where a customer's own is not known yet")


class RegressionWeights(Model):
    """A logistic regression; the regressors, by position, are those of the rules' release."""

    weights: tuple[Finite, ...]
    low: tuple[Finite, ...] = Field(description="what is below is taken for this")
    high: tuple[Finite, ...] = Field(description="what is above is taken for this")


class Pace(Model):
    """How often customers do something, Gamma: so many events in so many days; counts with the mean m have the variance
    m + scatter m^2."""

    events: Figure
    days: Figure
    scatter: Figure


class Tickets(Model):
    """Logarithms of tickets, minor units: Normal about a customer's own mean, and these about one of the base."""

    mean: Figure
    between: Figure = Field(description="variance of customers' own means")
    within: Figure = Field(description="variance of one customer's tickets")
    freedom: Figure = Field(description="how equal that is of all customers: degrees of freedom")


class Paces(Model):
    """What is usual of the streams."""

    contact: Pace
    enquiry: Pace
    complaint: Pace
    purchase: Pace
    tickets: Tickets


class RiskModel(Model):
    """All that a judgement depends on beside the customer and the rules."""

    week: UtcTime = Field(description="the instant it was fitted as of; 1970-01-01: the published parameters, unfitted")
    population: PopulationParameters
    hazard: RegressionWeights | None = Field(default=None, description="of an occasion within a week")
    stack: RegressionWeights | None = Field(default=None, description="of no occasion within the horizon")
    paces: Paces
    season: tuple[Finite, Finite, Finite, Finite] | None = Field(
        default=None,
        description="of the week before, what happened over what was to be expected, to be compared with that of other "
        "weeks: contact, enquiry, complaint, purchase; none: not known",
    )
    admitted: tuple[CustomerKey, ...] = Field(
        default=(),
        description="for whom there is a place for an alert in the week to come, sorted; where their number is limited",
    )


class AttritionModelRefitted(Fact):
    """What holds for every customer from a day after `week` on. Of two for one week the first on the topic counts."""

    TYPE: ClassVar[str] = "tenure.attrition-model-refitted.v1"
    rules: RulesName
    digest: Digest
    week: UtcTime = Field(description="the instant of the parts it was made of")
    customers: Count = Field(description="that have had an occasion")
    one_in: OneIn = Field(description="it was fitted to one in so many of them")
    model: RiskModel | None = Field(default=None, description="none: parts were missing, and the model before it stays")


POPULATION_TYPES: dict[str, type[Fact]] = {
    AttritionPopulationPart.TYPE: AttritionPopulationPart,
    AttritionModelRefitted.TYPE: AttritionModelRefitted,
}


class PopulationEnvelope(Envelope):
    """It has no sequence: the week orders it."""

    subject: Literal["population"]


def part_id(rules: str, week: str, partition: int) -> str:
    """`week`: RFC 3339."""
    return f"analytics/{rules}/population/{week}/{partition}"


def model_id(rules: str, week: str) -> str:
    """`week`: RFC 3339."""
    return f"analytics/{rules}/model/{week}"


def part_bytes(data: AttritionPopulationPart) -> bytes:
    """The message as published, up to how the digits of a number are written."""
    id_ = part_id(data.rules, format_time(data.week), data.partition)
    return said(id_, data.week, data, subject=SUBJECT, key=id_)


def model_bytes(data: AttritionModelRefitted) -> bytes:
    """As `part_bytes`."""
    id_ = model_id(data.rules, format_time(data.week))
    return said(id_, data.week, data, subject=SUBJECT, key=id_)


def read_part(raw: bytes) -> AttritionPopulationPart:
    """Raises Unreadable, or UnknownType for anything but a part."""
    return read_as(raw, PopulationEnvelope, {AttritionPopulationPart.TYPE: AttritionPopulationPart})[1]


def read_model(raw: bytes) -> AttritionModelRefitted:
    """Raises Unreadable, or UnknownType for anything but a model."""
    return read_as(raw, PopulationEnvelope, {AttritionModelRefitted.TYPE: AttritionModelRefitted})[1]

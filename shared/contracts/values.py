"""The small values every contract is made of: times, ids, money, the closed lists that more than one owner uses.

A time is a string on the wire, RFC 3339 with an offset, and an aware UTC datetime inside. Nothing that is accepted is
changed on the way in: what cannot be kept exactly (a number as a time, a tenth of a microsecond, blanks around an id)
is refused.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

MAX_CUSTOMER_ID = 128  # characters
MAX_ID = 256  # characters of an event's own id and of its source
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
OUR_SOURCES = ("tenure/", "clock")  # sources that no channel may use

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")


def parse_time(text: str) -> datetime:
    """RFC 3339 with an offset and at most microseconds -> aware UTC. Raises ValueError."""
    if not _RFC3339.fullmatch(text):
        raise ValueError(
            "expected an RFC 3339 time with an offset, such as 2026-01-31T09:30:00Z (microseconds at most)"
        )
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"not a time that exists: {error}") from None


def format_time(at: datetime) -> str:
    """Aware UTC -> '2026-01-31T09:30:00Z', with a fraction only where there is one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_micros(at: datetime) -> int:
    """Aware UTC -> whole microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Whole microseconds since 1970 -> aware UTC."""
    return EPOCH + micros * MICROSECOND


def _time_from_wire(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, str):
        return parse_time(value)
    raise ValueError("expected a time as a string with an offset, such as 2026-01-31T09:30:00Z")


UtcTime = Annotated[
    datetime,
    BeforeValidator(_time_from_wire),
    PlainSerializer(format_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def _clean(text: str) -> str:
    if text != text.strip():
        raise ValueError("must not begin or end with a blank")
    if text.isascii() and text.isprintable():
        return text  # as nearly all are; of it the rest is true
    if unicodedata.normalize("NFC", text) != text:
        raise ValueError("must be in Unicode normal form C")
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise ValueError("must not contain control characters")
    return text


def _source(text: str) -> str:
    if "|" in text:
        raise ValueError("must not contain '|'")
    return text


CleanText = Annotated[str, AfterValidator(_clean)]
CustomerId = Annotated[CleanText, StringConstraints(strict=True, min_length=1, max_length=MAX_CUSTOMER_ID)]
EventId = Annotated[CleanText, StringConstraints(strict=True, min_length=1, max_length=MAX_ID)]
Source = Annotated[CleanText, StringConstraints(strict=True, min_length=1, max_length=MAX_ID), AfterValidator(_source)]
Name = Annotated[CleanText, StringConstraints(strict=True, min_length=1, max_length=128)]
Words = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=4000)]  # a person's own words
NO_CURRENCY = "XXX"  # of ISO 4217: an amount that nobody knows
Currency = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$")]  # ISO 4217
Minor = Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]  # minor units: 1999 is 19.99 EUR
Count = Annotated[int, Field(strict=True, ge=0)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Model(BaseModel):
    """A frozen value that ignores what it does not know: how a reader stays able to read a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, serialize_by_alias=True)


class Money(Model):
    """An amount of one currency. The minor unit is the currency's own: 1999 is 19.99 EUR, but 1999 JPY."""

    amount_minor: Minor
    currency: Currency

    def __add__(self, other: Self) -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} cannot be added to {self.currency}")
        return Money(amount_minor=self.amount_minor + other.amount_minor, currency=self.currency)


class Direction(StrEnum):
    """Who began: only what comes from the customer counts as the customer's communication."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Defector(StrEnum):
    """The six types of defection, by what the customer left for."""

    PRICE = "price"
    PRODUCT = "product"
    SERVICE = "service"
    MARKET = "market"
    TECHNOLOGICAL = "technological"
    ORGANISATIONAL = "organisational"


class Stage(StrEnum):
    """The five stages of acquisition, in order."""

    ENQUIRY = "enquiry"
    INTERACTION = "interaction"
    EXCHANGE = "exchange"
    COORDINATION = "coordination"
    ADOPTION = "adoption"

"""The published language of measures: what a company can do to keep a customer, and what it assumes of it.

A catalogue holds for every customer, so it belongs to none: it stands in every partition of the log, each time under a
subject of its own that lies there. A channel sends it once, with the subject `measures`.
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from shared.contracts.analytics import Sign
from shared.contracts.envelope import Fact, Input
from shared.contracts.values import CleanText, Defector, Minor, Model, Money, Name

CATALOGUE = "measures"  # subject, as a channel writes it
OF_CATALOGUE = "measures/"  # how the subjects begin under which it stands in the partitions
FIRST_OF_CATALOGUE = f"{OF_CATALOGUE}0"  # one of them, however many partitions there are
BEHIND_CATALOGUE = "measures0"  # the least text behind all of them
MAX_MEASURES = 50

Advice = Annotated[CleanText, StringConstraints(strict=True, min_length=1, max_length=200)]
SUITS = (*map(str, Sign), *map(str, Defector))
Thousandths = Annotated[int, Field(strict=True, ge=0, le=1000)]
OfTicket = Annotated[int, Field(strict=True, ge=0, le=100_000)]


def _suit(text: str) -> str:
    if text not in SUITS:
        raise ValueError(f"expected a sign or a cause: {', '.join(SUITS)}")
    return text


Suit = Annotated[str, AfterValidator(_suit), WithJsonSchema({"type": "string", "enum": list(SUITS)})]


class SumOfMoney(Money):
    """In one currency; the measure is then one for customers who mostly spend in it."""

    model_config = ConfigDict(extra="forbid")

    amount_minor: Annotated[Minor, Field(ge=0)]


class ShareOfTicket(Model):
    """Of what the customer usually spends at a time, in their currency."""

    model_config = ConfigDict(extra="forbid")

    thousandths_of_ticket: OfTicket


class RecordedSum(SumOfMoney):
    """The same in a fact, where what a newer writer adds is ignored."""

    model_config = ConfigDict(extra="ignore")


class RecordedShare(ShareOfTicket):
    """The same in a fact, where what a newer writer adds is ignored."""

    model_config = ConfigDict(extra="ignore")


class Measure(Model):
    """Something to be done for a customer at risk. It is worth it if what it keeps is more than what it costs."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    words: Advice = Field(description="what to do, in plain words")
    cost: SumOfMoney | ShareOfTicket = Field(description="whatever comes of it")
    incentive: SumOfMoney | ShareOfTicket | None = Field(default=None, description="given to whoever takes it up")
    take_up_thousandths: Thousandths = Field(default=0, description="of those who would have stayed anyway")
    success_thousandths: Thousandths = Field(description="of those who would have left: they take it up, and stay")
    suits: tuple[Suit, ...] = Field(
        default=(), max_length=20, description="signs and causes, one of which must be there; none: everybody"
    )


class RecordedMeasure(Measure):
    """The same in a fact, where what a newer writer adds is ignored."""

    model_config = ConfigDict(extra="ignore")

    cost: RecordedSum | RecordedShare = Field(description="whatever comes of it")
    incentive: RecordedSum | RecordedShare | None = Field(default=None, description="given to whoever takes it up")


def _of_one_name_each(measures: Iterable[Measure]) -> Iterable[Measure]:
    names = [measure.name for measure in measures]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two measures are called {twice[0]!r}")
    return measures


class Measures(Input):
    """The whole catalogue, which takes the place of the one before; of two the later by its time, whenever it came. An
    empty one says that nothing is to be recommended."""

    TYPE: ClassVar[str] = "tenure.measures.v1"
    measures: Annotated[tuple[Measure, ...], Field(max_length=MAX_MEASURES), AfterValidator(_of_one_name_each)]


class MeasuresRecorded(Measures, Fact):
    """A catalogue as it was sent. Alerts go by it from then on, in the partition in which this stands."""

    TYPE: ClassVar[str] = "tenure.measures-recorded.v1"
    measures: Annotated[tuple[RecordedMeasure, ...], Field(max_length=MAX_MEASURES)]


def is_of_catalogue(subject: str) -> bool:
    """No customer has such an id."""
    return subject == CATALOGUE or subject.startswith(OF_CATALOGUE)

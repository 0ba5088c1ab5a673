"""What analytics reads of a fact: only what it uses, decoded by a tolerant reader, because every fact of the log passes
here.

In: bytes of a record of the log. Out: a `LogFact`; of a recorded input also what the core goes by. Held to the
committed examples of every fact by a test.
"""

from datetime import datetime

import msgspec

from services.analytics.core import Observation
from services.analytics.measures import Catalogue, Measure
from shared.contracts import acquisition, interaction, retention
from shared.contracts.envelope import Problem, Unreadable
from shared.contracts.measures import MeasuresRecorded
from shared.contracts.values import NO_CURRENCY, to_micros

KINDS: dict[str, str] = {  # what is recorded of a customer -> what the core calls it
    acquisition.EnquiryRecorded.TYPE: "enquiry",
    interaction.ContactRecorded.TYPE: "contact",
    interaction.ComplaintRecorded.TYPE: "complaint",
    interaction.SatisfactionRecorded.TYPE: "satisfaction",
    retention.PurchaseRecorded.TYPE: "purchase",
    retention.LapseRecorded.TYPE: "lapse",
    retention.AlertAcknowledgementRecorded.TYPE: "alert-acknowledged",
    retention.AlertSnoozeRecorded.TYPE: "alert-snoozed",
}


class _Data(msgspec.Struct, frozen=True):
    amount_minor: int = 0
    currency: str | None = None
    direction: str = "inbound"
    account: str | None = None
    buyer: str | None = None
    segment: str | None = None
    about: str | None = None
    reason: str | None = None
    alert: str | None = None
    until: datetime | None = None
    imported: bool = msgspec.field(default=False, name="import")
    measures: tuple[Measure, ...] = ()


class LogFact(msgspec.Struct, frozen=True):
    """The envelope of a fact, and the union of the data that matters here."""

    source: str
    type: str
    subject: str
    time: datetime
    sequence: str
    causeid: str
    data: _Data
    inputid: str | None = None

    @property
    def producer(self) -> str:
        return self.source.removeprefix("tenure/")

    @property
    def input(self) -> str:
        """The channel's own `source|id` of the event that was recorded."""
        return self.inputid or self.causeid


_decoder = msgspec.json.Decoder(LogFact)


def read(raw: bytes) -> LogFact:
    """Raises Unreadable."""
    try:
        return _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise Unreadable("invalid-envelope", [Problem("", str(error))]) from None


def input_of(fact: LogFact) -> Observation | Catalogue | None:
    """None: a derived fact, or one that carries no weight; it is for the timeline only."""
    if fact.type == MeasuresRecorded.TYPE:
        return Catalogue(fact.data.measures, to_micros(fact.time), fact.input)
    return observation(fact)


def observation(fact: LogFact) -> Observation | None:
    """None: it says nothing of a customer that would be judged."""
    kind = KINDS.get(fact.type)
    if kind is None:
        return None
    data = fact.data
    return Observation(
        customer=fact.subject,
        at=to_micros(fact.time),
        kind=kind,
        evidence=fact.input,
        inbound=data.direction == "inbound",
        amount_minor=data.amount_minor,
        currency=None if data.currency == NO_CURRENCY else data.currency,
        account=data.account,
        buyer=data.buyer,
        segment=data.segment,
        defector=data.about if kind == "complaint" else data.reason if kind == "lapse" else None,
        alert=data.alert,
        until=None if data.until is None else to_micros(data.until),
        reason=data.reason if kind == "alert-snoozed" else None,
    )

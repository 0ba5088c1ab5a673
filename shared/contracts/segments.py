"""The published language of analytics about segments: buyers or volume of one of them, or of the whole base, fell.

These messages stand on `attrition.alerts` among those about customers, under types and subjects of their own: whoever
reads alerts of customers passes them by. Their bytes depend on the arguments alone. They have no sequence: the week in
the id orders them.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from shared.contracts.analytics import RulesName, said
from shared.contracts.envelope import Envelope, Fact, read_as
from shared.contracts.values import MAX_CUSTOMER_ID, Name, Probability, UtcTime, format_time

BASE = "portfolio"  # subject of the whole base
OF_SEGMENT = "segment/"  # how every other subject begins
TYPE_BEGINS = "tenure.segment-alert-"

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class SegmentSign(StrEnum):
    """What is watched of a segment, and of the whole base."""

    ACTIVE_BUYERS_DECLINE = "active_buyers_decline"
    SEGMENT_VOLUME_DECLINE = "segment_volume_decline"


class SegmentAlert(Fact):
    """As of the end of a week. Figures are buyers a week, added up, or purchases of usual size for them."""

    alert: str = Field(description="id of the message that raised it; the same in the one that clears it")
    segment: Name | None = Field(default=None, description="none: the whole base")
    sign: SegmentSign
    since: UtcTime = Field(description="of what is observed and expected; where the fall most likely began")
    observed: Figure
    expected: Figure = Field(description="at the level before the fall, measured by all other customers")
    strength: Annotated[float, Field(allow_inf_nan=False)] = Field(description="of a fall against none, in nats")
    probability: Probability = Field(description="that there is a fall")
    rules: RulesName = Field(description="version of the rules that judged")
    as_of: UtcTime


class SegmentAlertRaised(SegmentAlert):
    """Fewer customers of a segment buy than did, or they buy less, compared with all others."""

    TYPE: ClassVar[str] = "tenure.segment-alert-raised.v1"


class SegmentAlertCleared(SegmentAlert):
    """What was usual before is back, or what is there now has become the usual."""

    TYPE: ClassVar[str] = "tenure.segment-alert-cleared.v1"


SEGMENT_ALERT_TYPES: dict[str, type[SegmentAlert]] = {
    SegmentAlertRaised.TYPE: SegmentAlertRaised,
    SegmentAlertCleared.TYPE: SegmentAlertCleared,
}


class SegmentEnvelope(Envelope):
    """Of an event about a segment, and of none about a customer."""

    subject: Annotated[
        str,
        StringConstraints(
            strict=True, min_length=1, max_length=len(OF_SEGMENT) + MAX_CUSTOMER_ID, pattern=f"^({BASE}$|{OF_SEGMENT})"
        ),
    ] = Field(description=f"`{OF_SEGMENT}` and the name of the segment, or `{BASE}`")


def subject_of(segment: str | None) -> str:
    return BASE if segment is None else OF_SEGMENT + segment


def segment_alert_id(rules: str, segment: str | None, sign: SegmentSign, as_of: str) -> str:
    """`as_of`: RFC 3339."""
    return f"analytics/{rules}/{subject_of(segment)}/{sign.value}/{as_of}"


def segment_alert_bytes(data: SegmentAlert) -> bytes:
    """The message as published; key and partition key are its subject."""
    id_ = segment_alert_id(data.rules, data.segment, data.sign, format_time(data.as_of))
    return said(id_, data.as_of, data, subject=subject_of(data.segment), key=subject_of(data.segment))


def read_segment_alert(raw: bytes) -> SegmentAlert:
    """Raises Unreadable, or UnknownType for anything but an alert about a segment."""
    return read_as(raw, SegmentEnvelope, SEGMENT_ALERT_TYPES)[1]

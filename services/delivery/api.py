"""What may be asked of the delivery: the stream of alerts, from where on, and which of them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from services.delivery.access import STREAM_PATH, Access, reader
from services.delivery.live import Live
from services.delivery.message import ENDED
from services.delivery.place import BadPlace, Place, read_place
from services.delivery.readers import Readers
from services.delivery.stream import Stream
from services.delivery.wanted import Wanted
from shared.contracts.analytics import Sign
from shared.contracts.envelope import Problem
from shared.contracts.values import Currency, Name
from shared.http import HttpProblem, problem_responses

MAX_ID = 10_000  # characters; a thousand partitions with a million messages each need 6,000
MAX_FILTERS = 100
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx, for one, would collect events before it hands them on
}

EventId = Annotated[str | None, Header(max_length=MAX_ID, description="`id` of the last event: go on behind it")]
EventIdQuery = Annotated[
    str | None,
    Query(
        alias="last_event_id",
        max_length=MAX_ID,
        description="the same, for clients that cannot send the header, which counts more",
    ),
]
From = Annotated[
    Literal["now", "beginning"],
    Query(alias="from", description="where to begin without an id; `beginning`: all alerts"),
]
Signs = Annotated[
    list[Sign] | None,
    Query(alias="sign", max_length=MAX_FILTERS, description="only messages with this sign; may be repeated"),
]
Segments = Annotated[
    list[Name] | None,
    Query(alias="segment", max_length=MAX_FILTERS, description="only of customers of this segment; may be repeated"),
]
MinValue = Annotated[
    int | None,
    Query(ge=0, le=2**53, description="only with at least so much at risk, in minor units of `currency`"),
]
InCurrency = Annotated[
    Currency | None, Query(description="ISO 4217; amounts in others are not converted, and not counted")
]

EXAMPLE = f"""\
: alerts of Tenure
id: 0.1a.3f-5d41402a
retry: 3172

event: tenure.attrition-alert-raised.v1
data: {{"specversion":"1.0","id":"analytics/rules-1/customer-1/1","source":"tenure/analytics", ...}}
id: 0.1b.3f-0b4e7a0c

: still here
id: 0.1b.41-9c1f2e77

event: {ENDED}
data: {{"reason":"stopping","resume":"0.1b.41-9c1f2e77"}}
id: 0.1b.41-9c1f2e77
"""
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events, without end. `data` is the message as on the topic `attrition.alerts`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
    }
}


class _Connection(StreamingResponse):
    """Gives the seat back when the connection is over, in whichever way."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream, readers: Readers) -> None:
        super().__init__(stream.chunks(), headers=HEADERS)
        self._stream, self._readers = stream, readers

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._readers.leave(self._stream)


def stream_router(readers: Readers) -> APIRouter:
    router = APIRouter(tags=["alerts"])

    @router.get(
        STREAM_PATH,
        operation_id="stream_alerts",
        response_class=Response,
        responses={**_STREAM, **problem_responses(400, 401, 403, 410, 422, 503)},
    )
    async def stream_alerts(
        access: Annotated[Access, Depends(reader)],
        last_event_id: EventId = None,
        event_id: EventIdQuery = None,
        begin: From = "now",
        sign: Signs = None,
        segment: Segments = None,
        min_value: MinValue = None,
        currency: InCurrency = None,
    ) -> Response:
        """Every message of every alert as it comes, or from any earlier event on, whose `id` may be given.

        Per customer in order and without a gap; a message may come twice, with the same bytes, as on the topic. A
        message that clears an alert passes the filters by sign and value. The stream ends with an event
        `tenure.stream-ended` that says why (`slow`, `stopping`, `key-revoked`, `catch-up-failed`) and the id to go on
        from.
        """
        wanted = _wanted(sign, segment, min_value, currency)
        place = _place(last_event_id or event_id, begin, readers.live)
        return _Connection(await readers.seat(place, wanted, allowed=access.holds), readers)

    return router


def _wanted(
    signs: list[Sign] | None, segments: list[Name] | None, min_value: int | None, currency: str | None
) -> Wanted:
    if (min_value is None) != (currency is None):
        missing = "currency" if currency is None else "min_value"
        problems = [Problem(f"query.{missing}", "an amount says something in its currency only: give both, or none")]
        raise HttpProblem(422, "invalid-request", "The request is not as the API description says.", problems=problems)
    return Wanted(frozenset(map(str, signs or ())), frozenset(segments or ()), currency, min_value or 0)


def _place(text: str | None, begin: str, live: Live) -> Place | None:
    if not text:
        return None if begin == "now" else live.beginning
    try:
        return read_place(text, live.topic.partitions)
    except BadPlace as error:
        raise HttpProblem(400, "bad-event-id", f"This id cannot be gone on from: {error}.") from None

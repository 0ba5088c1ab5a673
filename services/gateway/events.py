"""`POST /v1/events` and its dry run: one event or a batch, and an answer for each.

202 says that the broker has every accepted event; 207 that some were refused, 422 that all were; 503 that it is not
known, and that sending again is right: a second copy changes nothing.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from services.gateway.batch import NotAnArray, TooMany, split
from services.gateway.door import Door
from services.gateway.examination import Refused, Taken, Terms, examine, examine_alone
from services.gateway.figures import EVENTS, POSTPONED
from services.gateway.openapi import EVENTS_BODY
from shared.broker import Outgoing
from shared.http import HttpProblem, ProblemDocument, json_response, problem_responses, require
from shared.keys import ApiKey, Scope

EVENTS_IN_A_ROW = 200  # examined before others get their turn: a few milliseconds

Sender = Annotated[ApiKey, Depends(require(Scope.SEND))]


class Result(BaseModel):
    """What became of one event."""

    index: int
    id: str | None
    status: Literal["accepted", "valid", "refused"]
    problem: ProblemDocument | None = None


class Receipt(BaseModel):
    """What became of a request, event by event, in the order sent."""

    results: list[Result]
    accepted: int
    refused: int


class NoneAccepted(ProblemDocument):
    """Of a batch, the members beyond say what is wrong with each of its events."""

    results: list[Result] = Field(default=[], description="in the order sent; only of a batch")
    accepted: int = 0
    refused: int = Field(default=0, description="events; only of a batch")


def events_router(door: Door) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["events"])
    documented: Mapping[str, Any] = {
        "responses": {
            207: {"model": Receipt, "description": "Some were accepted, some refused"},
            **problem_responses(400, 401, 403, 408, 413, 415, 429, 503),
            **problem_responses(422, schema=NoneAccepted.__name__),
        },
        "openapi_extra": {"requestBody": EVENTS_BODY},
    }

    @router.post(
        "/events",
        operation_id="send_events",
        status_code=202,
        response_model=Receipt,
        summary="Send one event or a batch",
        **documented,
    )
    async def send(request: Request, key: Sender) -> Response:
        """202: the broker has every event. An event sent twice changes nothing: when in doubt, send it again."""
        return await _answer(door, request, key, door.publish, ("accepted", 202))

    @router.post(
        "/events:validate",
        operation_id="validate_events",
        response_model=Receipt,
        summary="Would these be accepted?",
        **documented,
    )
    async def validate(request: Request, key: Sender) -> Response:
        """Says of each event what sending it would, and keeps nothing."""
        return await _answer(door, request, key, _keep_nothing, ("valid", 200))

    return router


async def _keep_nothing(_: Sequence[Outgoing]) -> None:
    """A dry run."""


async def _answer(
    door: Door,
    request: Request,
    key: ApiKey,
    publish: Callable[[Sequence[Outgoing]], Awaitable[None]],
    success: tuple[str, int],
) -> Response:
    async with door.reader.events(request) as body:
        events = _elements(body.raw, door.settings.max_batch_events) if body.batch else None
        _hold_to_rate(door, key, 1 if events is None else len(events))
        terms = door.terms(request.headers.get("traceparent"))
        outcomes = [examine_alone(body, key, terms)] if events is None else await _examine_all(events, key, terms)
        if not body.batch:
            _refuse_single(outcomes[0])
        await publish([record for outcome in outcomes if isinstance(outcome, Taken) for record in outcome.records])
    return _receipt(outcomes, *success)


def _elements(raw: bytes, most: int) -> Sequence[bytes]:
    """Raises HttpProblem 400 or 413."""
    try:
        return split(raw, most=most)
    except NotAnArray as error:
        raise HttpProblem(400, "not-json", f"The batch is not a JSON array: {error}.") from None
    except TooMany:
        raise HttpProblem(413, "too-many-events", f"A batch has at most {most} events; send several.") from None


def _hold_to_rate(door: Door, key: ApiKey, events: int) -> None:
    wait_s = door.rate.take(key.id, max(1, events))
    if wait_s:
        POSTPONED.labels("too-fast").inc()
        headers = {"Retry-After": str(math.ceil(wait_s))}
        raise HttpProblem(
            429, "too-fast", f"This key sends too fast; nothing was accepted. Wait {wait_s:.1f} s.", headers=headers
        )


async def _examine_all(events: Sequence[bytes], key: ApiKey, terms: Terms) -> list[Taken | Refused]:
    outcomes: list[Taken | Refused] = []
    for index, raw in enumerate(events):
        if index and index % EVENTS_IN_A_ROW == 0:
            await asyncio.sleep(0)
        outcomes.append(examine(raw, key, terms))
    return outcomes


def _refuse_single(outcome: Taken | Refused) -> None:
    if isinstance(outcome, Refused):
        EVENTS.labels(outcome.code).inc()
        raise HttpProblem(outcome.status, outcome.code, outcome.detail, problems=outcome.problems)


def _receipt(outcomes: Sequence[Taken | Refused], word: str, status: int) -> Response:
    for outcome in outcomes:
        EVENTS.labels(outcome.code if isinstance(outcome, Refused) else word).inc()
    results = [_result(index, outcome, word) for index, outcome in enumerate(outcomes)]
    refused = sum(isinstance(outcome, Refused) for outcome in outcomes)
    receipt = {"results": results, "accepted": len(outcomes) - refused, "refused": refused}
    if refused and refused == len(outcomes):
        raise HttpProblem(422, "all-refused", "No event of the batch can be accepted; see results.", members=receipt)
    return json_response(receipt, 207 if refused else status)


def _result(index: int, outcome: Taken | Refused, word: str) -> dict[str, Any]:
    if isinstance(outcome, Taken):
        return {"index": index, "id": outcome.id, "status": word}
    return {"index": index, "id": outcome.id, "status": "refused", "problem": outcome.document()}

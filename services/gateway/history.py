"""`POST /v1/history:advance`: how the sender of a history says that everything before an instant has been sent.

The tick goes to every partition of every inbox, behind whatever this process was given before, and the answer waits
for the broker. An instant that was said before may be said again: copies of ticks do no harm.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.gateway.door import Door
from shared.broker import Outgoing
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.envelope import Problem
from shared.contracts.tick import write_tick
from shared.contracts.values import UtcTime
from shared.http import HttpProblem, problem_responses, require
from shared.keys import ApiKey, Scope
from shared.settings import TimeSource
from shared.topics import inbox

SOURCE = "tenure/gateway"
MAX_BODY_BYTES = 4096


class Advance(BaseModel):
    """Nothing before `to` will be sent any more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: UtcTime = Field(description="RFC 3339, with an offset")
    last: bool = Field(default=False, strict=True, description="the history ends here")


class Advanced(BaseModel):
    """The broker has the tick in every partition of these topics."""

    to: UtcTime
    last: bool
    inboxes: list[str]
    partitions: int = Field(description="of each of them")


def history_router(door: Door) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["history"])

    @router.post(
        "/history:advance",
        operation_id="advance_history",
        summary="Advance the time of a history",
        responses=problem_responses(400, 401, 403, 408, 409, 413, 415, 422, 503),
        openapi_extra={"requestBody": BODY},
    )
    async def advance(request: Request, _: Annotated[ApiKey, Depends(require(Scope.HISTORY))]) -> Advanced:
        """Says that everything before an instant has been sent. May be said again; 409 where time comes by itself."""
        if door.platform.time is not TimeSource.HISTORY:
            raise HttpProblem(409, "not-in-history", "This deployment runs in wall time; its time advances by itself.")
        async with door.reader.document(request, limit=MAX_BODY_BYTES) as raw:
            advance = _read(raw)
        await door.publish(_ticks(advance, door.platform.partitions), alone=True)
        inboxes = [inbox(service) for service in DOMAIN_SERVICES]
        return Advanced(to=advance.to, last=advance.last, inboxes=inboxes, partitions=door.platform.partitions)

    return router


BODY: dict[str, Any] = {"required": True, "content": {"application/json": {"schema": Advance.model_json_schema()}}}


def _read(raw: bytes) -> Advance:
    try:
        return Advance.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = [Problem(".".join(map(str, e["loc"])), e["msg"]) for e in found]
    if any(e["type"] == "json_invalid" for e in found):
        raise HttpProblem(400, "not-json", "The body is not JSON.", problems=problems)
    raise HttpProblem(
        422, "invalid-request", 'Expected {"to": "2026-01-31T00:00:00Z", "last": false}.', problems=problems
    )


def _ticks(advance: Advance, partitions: int) -> list[Outgoing]:
    tick = write_tick(SOURCE, advance.to, advance.last)
    return [Outgoing(inbox(s), partition, None, tick) for s in DOMAIN_SERVICES for partition in range(partitions)]

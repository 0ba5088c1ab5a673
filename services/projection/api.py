"""The read API: what may be asked of timelines, customers and alerts, and how a list goes on."""

import re
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Query, Request

from services.projection.answers import (
    AlertPage,
    Customer,
    CustomerPage,
    Measures,
    Summary,
    TimelinePage,
    alert_answer,
    customer_answer,
    entry_answer,
    measures_answer,
)
from services.projection.cursors import BadCursor, read_cursor, write_cursor
from services.projection.figures import Figures
from services.projection.paths import CustomerInPath
from services.projection.reader import KNOWN_TYPES
from services.projection.reading import read_timeline, read_view
from services.projection.store import AlertPlace, TimelineStore
from services.projection.timeline import Place, short_name
from services.projection.timeline import Query as Wanted
from shared.contracts.analytics import Sign
from shared.contracts.envelope import Problem
from shared.contracts.measures import FIRST_OF_CATALOGUE, MeasuresRecorded
from shared.contracts.values import UtcTime, to_micros
from shared.http import HttpProblem, problem_responses, require
from shared.keys import Scope

T = TypeVar("T")
SHORT_NAMES = frozenset(map(short_name, KNOWN_TYPES))
FULL_NAME = re.compile(r"tenure\.[a-z-]+\.v\d+")
MAX_LIMIT = 1000

Cursor = Annotated[str | None, Query(max_length=2000, description="`next` of the page before; none: begin")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="items of one page")]
Types = Annotated[
    list[str] | None,
    Query(alias="type", description="only these; may be repeated; full, or short such as `purchase-recorded`"),
]
From = Annotated[UtcTime | None, Query(alias="from", description="RFC 3339; only what happened then or later")]
To = Annotated[UtcTime | None, Query(alias="to", description="RFC 3339; only what happened before")]
AsOf = Annotated[UtcTime | None, Query(description="RFC 3339; as if nothing had happened after that")]
Order = Annotated[Literal["asc", "desc"], Query(description="`asc`: oldest first")]
OneSign = Annotated[Sign | None, Query(description="only alerts with this sign")]
Declared = Annotated[
    bool | None, Query(description="false: only of customers who can still be kept; true: only of those to win back")
]
Prefix = Annotated[str, Query(description="only ids that begin so", max_length=128)]


router = APIRouter(
    prefix="/v1", dependencies=[Depends(require(Scope.READ))], responses=problem_responses(401, 403, 422, 503)
)


def use_store(app: FastAPI, store: TimelineStore, figures: Figures) -> None:
    """What the routes answer from, in this app."""
    app.state.store, app.state.figures = store, figures


def _store(request: Request) -> TimelineStore:
    store: TimelineStore = request.app.state.store
    return store


def _figures(request: Request) -> Figures:
    figures: Figures = request.app.state.figures
    return figures


Store = Annotated[TimelineStore, Depends(_store)]


@router.get(
    "/customers/{customer_id}/timeline",
    operation_id="read_timeline",
    tags=["customers"],
    responses=problem_responses(404),
)
async def timeline(
    store: Store,
    customer_id: CustomerInPath,
    types: Types = None,
    since: From = None,
    until: To = None,
    as_of: AsOf = None,
    order: Order = "asc",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> TimelinePage:
    """Everything that happened to a customer, every fact of every service and every alert, in order of time.

    A cursor stays good however much is added: what comes later neither repeats nor shifts what follows it.
    """
    wanted = Wanted(
        types=_known(types),
        since=_micros(since),
        until=_micros(until),
        as_of=_micros(as_of),
        after=_place(cursor, Place),
        newest_first=order == "desc",
        limit=limit,
    )
    found = await read_timeline(store, customer_id, wanted)
    if found is None:
        raise _unknown(customer_id)
    items = [entry_answer(customer_id, entry) for entry in found.entries]
    return TimelinePage(customer=customer_id, items=items, next=_next(found.after))


@router.get(
    "/customers/{customer_id}", operation_id="read_customer", tags=["customers"], responses=problem_responses(404)
)
async def customer(store: Store, customer_id: CustomerInPath, as_of: AsOf = None) -> Customer:
    """A customer at a glance, now or as of a past instant."""
    view = await read_view(store, customer_id, _micros(as_of))
    if view is None:
        raise _unknown(customer_id)
    return customer_answer(customer_id, view, as_of)


@router.get("/customers", operation_id="list_customers", tags=["customers"])
async def customers(store: Store, prefix: Prefix = "", limit: Limit = 100, cursor: Cursor = None) -> CustomerPage:
    """The ids of all customers."""
    found = await store.list_customers(prefix=prefix, after=_place(cursor, str) or "", limit=limit + 1)
    return CustomerPage(items=found[:limit], next=_next(found[limit - 1] if len(found) > limit else None))


@router.get("/alerts", operation_id="list_alerts", tags=["alerts"])
async def alerts(
    store: Store, sign: OneSign = None, lapse_declared: Declared = None, limit: Limit = 100, cursor: Cursor = None
) -> AlertPage:
    """The open alerts, the highest value at risk first. Currencies are not converted: the largest amount counts."""
    place = _place(cursor, AlertPlace)
    found = await store.open_alerts(sign=sign, lapse_declared=lapse_declared, after=place, limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    following = None if last is None else AlertPlace(last.alert.value_minor, last.customer)
    return AlertPage(items=[alert_answer(row) for row in found[:limit]], next=_next(following))


@router.get("/measures", operation_id="read_measures", tags=["measures"], responses=problem_responses(404))
async def measures(store: Store) -> Measures:
    """The measures that alerts recommend: of those that were sent, the latest by their own time."""
    newest = Wanted(types=frozenset([MeasuresRecorded.TYPE]), newest_first=True)
    found = await read_timeline(store, FIRST_OF_CATALOGUE, newest)
    if found is None or not found.entries:
        raise HttpProblem(404, "no-measures", "Nobody has sent measures; alerts recommend by rule of thumb.")
    return measures_answer(max(found.entries, key=lambda entry: (entry.at, entry.input or "")))


@router.get("/summary", operation_id="read_summary", tags=["summary"])
async def summary(figures: Annotated[Figures, Depends(_figures)]) -> Summary:
    """The whole base in figures, from a few moments ago: counting takes at most a tenth of the time."""
    return await figures.summary()


def _micros(at: datetime | None) -> int | None:
    return None if at is None else to_micros(at)


def _known(types: list[str] | None) -> frozenset[str]:
    """Full names of a newer release are taken; anything else that nothing is called is a mistake."""
    types = types or []
    wrong = [t for t in types if t not in SHORT_NAMES and not FULL_NAME.fullmatch(t)]
    if wrong:
        reason = f"nothing is called {wrong[0]!r}; short names are {', '.join(sorted(SHORT_NAMES))}"
        raise HttpProblem(422, "unknown-type", "There is no such type.", problems=[Problem("query.type", reason)])
    return frozenset(types)


def _place(cursor: str | None, kind: type[T]) -> T | None:
    try:
        return None if cursor is None else read_cursor(cursor, kind)
    except BadCursor as error:
        problems = [Problem("query.cursor", str(error))]
        raise HttpProblem(422, "bad-cursor", "Use `next` of the page before.", problems=problems) from None


def _next(place: object) -> str | None:
    return None if place is None else write_cursor(place)


def _unknown(customer: str) -> HttpProblem:
    return HttpProblem(404, "unknown-customer", f"Nothing is known of a customer {customer!r}.")

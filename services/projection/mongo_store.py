"""The projection's memory on MongoDB.

`customers` holds what is newest of everybody: revision, last sequences, view, tail, and the list of full pages.
`pages` is only ever added to. `alerts` has one small row per customer with an alert, so that listing them touches no
timeline. A customer is never deleted: that would make its next revision a new beginning. A rebuild writes to another
database.

Views, entries and the list of pages are kept as JSON text: any amount and any key that an event may hold is kept
exactly, which BSON does not do; and the embedded database turns documents that are pushed onto a list into text anyway.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

import msgspec
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from services.projection.attrition import AlertRow, AlertView
from services.projection.ledger import Change, Customer, PageRef
from services.projection.store import AlertPlace
from services.projection.timeline import Entry
from services.projection.view import VERSION, View, fold
from shared.contracts.measures import BEHIND_CATALOGUE, OF_CATALOGUE
from shared.mongo import Database, Document, Documents, collisions

CUSTOMERS: Document = {"$or": [{"_id": {"$lt": OF_CATALOGUE}}, {"_id": {"$gte": BEHIND_CATALOGUE}}]}
WITHOUT_PAGES = {"pages": 0}  # their list grows with the history; what is loaded for every batch must not
_entries = msgspec.json.Decoder(tuple[Entry, ...]).decode
_view = msgspec.json.Decoder(View).decode
_ref = msgspec.json.Decoder(PageRef).decode
_alert = msgspec.json.Decoder(AlertView).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


class MongoStore:
    """TimelineStore."""

    def __init__(self, database: Database) -> None:
        self._customers = database["customers"]
        self._pages = database["pages"]
        self._alerts = database["alerts"]

    async def prepare(self) -> None:
        """Creates what is missing of the indexes."""
        by_gravity = IndexModel([("open", ASCENDING), ("value", DESCENDING), ("customer", ASCENDING)])
        await self._alerts.create_indexes([by_gravity])

    async def load(self, customers: Collection[str]) -> dict[str, Customer]:
        query = {"_id": {"$in": list(customers)}}
        documents = await self._customers.find(query, WITHOUT_PAGES).to_list(None)
        found = {d["_id"]: await self._customer(d) for d in documents}
        return {c: found.get(c) or Customer(c) for c in customers}

    async def find(self, customer: str) -> tuple[Customer, Sequence[PageRef]] | None:
        document = await self._customers.find_one({"_id": customer})
        return None if document is None else (await self._customer(document), _refs(document))

    async def read_pages(self, ids: Collection[str]) -> Mapping[str, Sequence[Entry]]:
        documents = await self._pages.find({"_id": {"$in": list(ids)}}).to_list(None)
        found = {d["_id"]: _entries(d["entries"]) for d in documents}
        return {i: found[i] for i in ids}

    async def save(self, changes: Sequence[Change]) -> set[str]:
        """Pages and alerts first: if no customer follows, the ones count for nothing and the others are true anyway."""
        pages = [p for change in changes for p in change.pages]
        await _bulk(self._pages, [_upsert({"_id": p.ref.id}, {"entries": _text(p.entries)}) for p in pages])
        await _bulk(self._alerts, [_alert_update(c.customer.id, c.alert) for c in changes if c.alert is not None])
        lost = await _bulk(self._customers, [_customer_update(change) for change in changes])
        return {changes[index].customer.id for index in lost}

    async def list_customers(self, *, prefix: str = "", after: str = "", limit: int) -> list[str]:
        bounds: Document = {"$gt": after} if after >= prefix else {"$gte": prefix}
        if prefix:
            bounds["$lt"] = prefix + chr(0x10FFFF)
        cursor = self._customers.find({"_id": bounds, **CUSTOMERS}, {"_id": 1}).sort([("_id", ASCENDING)]).limit(limit)
        return [d["_id"] async for d in cursor]

    async def open_alerts(
        self,
        *,
        sign: str | None = None,
        lapse_declared: bool | None = None,
        after: AlertPlace | None = None,
        limit: int,
    ) -> list[AlertRow]:
        query: Document = {"open": 1}
        if sign is not None:
            query["signs"] = sign
        if lapse_declared is not None:
            query["lapse_declared"] = int(lapse_declared)
        if after is not None:
            query["$or"] = [
                {"value": {"$lt": after.value_minor}},
                {"value": after.value_minor, "customer": {"$gt": after.customer}},
            ]
        cursor = self._alerts.find(query).sort([("value", DESCENDING), ("customer", ASCENDING)]).limit(limit)
        return [AlertRow(d["_id"], _alert(d["alert"])) async for d in cursor]

    async def views(self) -> AsyncIterator[View]:
        async for document in self._customers.find(CUSTOMERS, {"view": 1, "rules": 1}):
            if document["rules"] == VERSION:
                yield _view(document["view"])
            elif (found := await self.find(document["_id"])) is not None:
                yield found[0].view

    async def _customer(self, document: Document) -> Customer:
        tail = _entries(document["tail"])
        is_current = document["rules"] == VERSION
        return Customer(
            id=document["_id"],
            rev=document["rev"],
            last={x["producer"]: x["sequence"] for x in document["last"]},
            view=_view(document["view"]) if is_current else await self._folded_anew(document["_id"], tail),
            tail=tail,
            pages=document["full_pages"],
            text=document["tail"],
        )

    async def _folded_anew(self, customer: str, tail: Sequence[Entry]) -> View:
        """The view of another release's customer: every entry since the first, through the fold of this one."""
        document = await self._customers.find_one({"_id": customer}, {"pages": 1}) or {}
        view = View()
        for ref in _refs(document):
            view = fold(view, (await self.read_pages([ref.id]))[ref.id])
        return fold(view, tail)


async def _bulk(collection: Documents, operations: Sequence[UpdateOne]) -> Sequence[int]:
    """Answers which operations met a newer revision."""
    if not operations:
        return ()
    try:
        await collection.bulk_write(list(operations), ordered=False)
    except BulkWriteError as error:
        return collisions(error)
    return ()


def _upsert(condition: Document, values: Document) -> UpdateOne:
    """Where a document is there and does not meet the condition, the insert collides with it."""
    return UpdateOne(condition, {"$set": values}, upsert=True)


def _customer_update(change: Change) -> UpdateOne:
    customer = change.customer
    values = {
        "rev": customer.rev,
        "rules": VERSION,
        "last": [{"producer": p, "sequence": n} for p, n in customer.last.items()],
        "view": _text(customer.view),
        "tail": _tail(change),
        "full_pages": customer.pages,
    }
    refs = [_text(p.ref) for p in change.pages]
    update: Document = {"$set": values, **({"$push": {"pages": {"$each": refs}}} if refs else {})}
    return UpdateOne({"_id": customer.id, "rev": customer.rev - 1}, update, upsert=True)


def _tail(change: Change) -> str:
    """What stood there is not written anew: a customer's tail is long, and what is new of it is short."""
    if change.kept is None:
        return _text(change.customer.tail)
    added = _text(change.added)
    return added if change.kept == "[]" else f"{change.kept[:-1]},{added[1:]}"


def _alert_update(customer: str, alert: AlertView) -> UpdateOne:
    values = {
        "customer": customer,  # again, because an index that names `_id` breaks the embedded database
        "version": alert.version,
        "open": int(alert.is_open),  # a number: the embedded database makes numbers of booleans that are set
        "value": alert.value_minor,
        "signs": list(alert.signs),
        "lapse_declared": int(alert.lapse_declared),
        "alert": _text(alert),
    }
    return _upsert({"_id": customer, "version": {"$lt": alert.version}}, values)


def _refs(document: Document) -> tuple[PageRef, ...]:
    return tuple(_ref(ref) for ref in document.get("pages", ()))


def _text(value: Any) -> str:
    return _encode(value).decode()

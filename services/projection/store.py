"""The seam to the memory of the projection: customers, the full pages of their timelines, and their newest alerts.

Promise: a customer is stored only over the very revision it was made from, so of two owners one wins and the other is
told. A page is never changed, so a reader that has a customer can read its pages however long it takes. Measures lie
among the customers, and are listed and counted as none. Implemented by `MemoryStore` and `mongo_store`, held to one
contract suite.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from services.projection.attrition import AlertRow
from services.projection.ledger import Change, Customer, PageRef
from services.projection.timeline import Entry
from services.projection.view import View
from shared.contracts.measures import is_of_catalogue


class AlertPlace(NamedTuple):
    """Where an alert stands in the list of the open ones."""

    value_minor: int
    customer: str


class TimelineStore(Protocol):
    """Times out or raises where it cannot be reached; what was asked to be stored is then unknown."""

    async def load(self, customers: Collection[str]) -> dict[str, Customer]:
        """Every customer asked for is in the answer; an unknown one has revision 0."""

    async def find(self, customer: str) -> tuple[Customer, Sequence[PageRef]] | None:
        """A customer with the whole list of full pages, oldest first, as of one instant. None: unknown."""

    async def read_pages(self, ids: Collection[str]) -> Mapping[str, Sequence[Entry]]:
        """Entries in the order of the log. Raises KeyError for a page that is not there."""

    async def save(self, changes: Sequence[Change]) -> set[str]:
        """Answers whose revision has moved on: nothing given for them counts. All others are stored whole."""

    async def list_customers(self, *, prefix: str = "", after: str = "", limit: int) -> list[str]:
        """Ids that begin with `prefix`, behind `after`, in order of their code points."""

    async def open_alerts(
        self,
        *,
        sign: str | None = None,
        lapse_declared: bool | None = None,
        after: AlertPlace | None = None,
        limit: int,
    ) -> list[AlertRow]:
        """The highest value at risk first, then by customer."""

    def views(self) -> AsyncIterator[View]:
        """Of every customer, in no order."""


@dataclass(slots=True)
class MemoryStore:
    """All of it in this process: for tests, and for looking at a log without a database."""

    customers: dict[str, Customer] = field(default_factory=dict)
    refs: dict[str, tuple[PageRef, ...]] = field(default_factory=dict)
    pages: dict[str, tuple[Entry, ...]] = field(default_factory=dict)

    async def load(self, customers: Collection[str]) -> dict[str, Customer]:
        return {c: self.customers.get(c, Customer(c)) for c in customers}

    async def find(self, customer: str) -> tuple[Customer, Sequence[PageRef]] | None:
        found = self.customers.get(customer)
        return None if found is None else (found, self.refs[customer])

    async def read_pages(self, ids: Collection[str]) -> Mapping[str, Sequence[Entry]]:
        return {i: self.pages[i] for i in ids}

    async def save(self, changes: Sequence[Change]) -> set[str]:
        lost = set()
        for change in changes:
            after = change.customer
            before = self.customers.get(after.id, Customer(after.id))
            if after.rev != before.rev + 1:
                lost.add(after.id)
                continue
            self.pages.update({p.ref.id: p.entries for p in change.pages})
            self.refs[after.id] = (*self.refs.get(after.id, ()), *(p.ref for p in change.pages))
            self.customers[after.id] = after
        return lost

    async def list_customers(self, *, prefix: str = "", after: str = "", limit: int) -> list[str]:
        wanted = (c for c in self.customers if c.startswith(prefix) and c > after and not is_of_catalogue(c))
        return sorted(wanted)[:limit]

    async def open_alerts(
        self,
        *,
        sign: str | None = None,
        lapse_declared: bool | None = None,
        after: AlertPlace | None = None,
        limit: int,
    ) -> list[AlertRow]:
        rows = [AlertRow(c.id, alert) for c in self.customers.values() if (alert := c.view.alert) and alert.is_open]
        rows = [r for r in rows if sign is None or sign in r.alert.signs]
        rows = [r for r in rows if lapse_declared is None or lapse_declared == r.alert.lapse_declared]
        rows.sort(key=_gravity)
        return [r for r in rows if after is None or _gravity(r) > (-after.value_minor, after.customer)][:limit]

    async def views(self) -> AsyncIterator[View]:
        for customer in list(self.customers.values()):
            if not is_of_catalogue(customer.id):
                yield customer.view


def _gravity(row: AlertRow) -> tuple[int, str]:
    return -row.alert.value_minor, row.customer

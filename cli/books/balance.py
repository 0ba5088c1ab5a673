"""Everything that was read, and whether it agrees.

In: records of the inboxes, the log and the alerts; commits of the stores; dead letters; what the projection shows; how
far each group had committed. Out: accounts and findings. Pure: where it was read from, and in which order, is
`reading`'s.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cli.books.channels import Account, Received, balance_channels
from cli.books.everywhere import look_for_measures_in_part
from cli.books.findings import Findings, Place
from cli.books.inbox_book import InboxBook
from cli.books.log_book import Last, LogBook, Reaction
from cli.books.services import ServiceAccount, balance_store, balance_topic, look_for_the_unpublished
from cli.books.store_book import StoreBook
from services.acquisition.decider import REACTS_TO as ACQUISITION
from services.interaction.decider import REACTS_TO as INTERACTION
from services.retention.decider import REACTS_TO as RETENTION
from shared.broker import Record, TopicPartition
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.topics import ALERTS, CUSTOMER_EVENTS, inbox

REACTS_TO: Mapping[str, frozenset[str]] = {
    "acquisition": ACQUISITION,
    "interaction": INTERACTION,
    "retention": RETENTION,
}
PROJECTION = "projection"

Committed = Mapping[str, Mapping[TopicPartition, int]]  # group -> next offset it would read; 0 where nothing is said


@dataclass(frozen=True, slots=True)
class Books:
    """Balanced, if there is no finding; and all of it is there, if nothing is in flight."""

    channels: list[Account]
    services: list[ServiceAccount]
    findings: Findings

    @property
    def in_flight(self) -> int:
        return sum(a.in_flight for a in self.channels) + sum(a.in_flight for a in self.services)


class Ledger:
    """`stores`: one book per domain service, to be filled commit by commit."""

    def __init__(self) -> None:
        self._findings = Findings()
        self.stores = {s: StoreBook(s, self._findings) for s in DOMAIN_SERVICES}
        self.log = LogBook(self._findings, frozenset().union(*REACTS_TO.values()))
        self._alerts = LogBook(self._findings)
        self._inboxes = {inbox(s): InboxBook(s) for s in DOMAIN_SERVICES}

    @property
    def topics(self) -> list[str]:
        return [*self._inboxes, CUSTOMER_EVENTS, ALERTS]

    def take(self, record: Record) -> None:
        """Of one of `topics`, in order of offset per partition."""
        if record.topic in self._inboxes:
            self._inboxes[record.topic].take(record)
        else:
            (self.log if record.topic == CUSTOMER_EVENTS else self._alerts).take(record)

    def balance(self, letters: Mapping[str, Collection[Place]], last: Last, committed: Committed) -> Books:
        """`letters`: what each service has set aside."""
        channels: list[Account] = []
        for service, book in self.stores.items():
            sent, aside = self._inboxes[inbox(service)].received, letters.get(service, ())
            received, passed = [*sent, *self._reactions(service)], committed.get(service, {})
            channels += balance_channels(service, received, book.causes, aside, passed, self._findings)
            look_for_measures_in_part(inbox(service), sent, aside, passed, self._findings)
        return Books(channels, self._balance_services(last, committed.get(PROJECTION, {})), self._findings)

    def _balance_services(self, last: Last, committed: Mapping[TopicPartition, int]) -> list[ServiceAccount]:
        accounts = {
            **{s: ServiceAccount(s) for s in DOMAIN_SERVICES},
            **balance_topic(CUSTOMER_EVENTS, self.log, last, committed, self._findings),
            **balance_topic(ALERTS, self._alerts, last, committed, self._findings),
        }
        for service, book in self.stores.items():
            balance_store(accounts[service], book, self.log, self._findings)
        look_for_the_unpublished((self.log, self._alerts), last, self._findings)
        return list(accounts.values())

    def _reactions(self, service: str) -> list[Received]:
        history = any(book.tells_time for book in self._inboxes.values())
        return [
            _received(fact, waiting=history and self.log.is_ahead(fact))
            for fact in self.log.reactions
            if fact.type in REACTS_TO[service] and fact.producer != service
        ]


def _received(fact: Reaction, *, waiting: bool) -> Received:
    source = f"tenure/{fact.producer}"
    return Received(fact.place, source, (fact.customer, f"{source}|{fact.id}"), waiting=waiting)

"""How are the books read while everything runs, without moving anybody, so that what is compared can be compared?

By the order: first how far each group has committed, then what the projection shows, then the stores, then the topics.
What a group has committed is stored; what is marked as published stands in the log; what is shown was published before.
Only of a fact that was published after its store had been read, the store is asked again.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cli.books.channels import Account, Received, balance_channels
from cli.books.findings import Findings, Place
from cli.books.inbox_book import InboxBook
from cli.books.log_book import Last, LogBook, Reaction
from cli.books.services import (
    ServiceAccount,
    balance_store,
    balance_topic,
    look_for_the_unpublished,
    unknown_to,
)
from cli.books.store_book import StoreBook
from cli.dead_letters import read_letters
from cli.errors import UNASKED, CliError
from cli.topic_reader import committed_offsets, partitions_of, read_to_end
from services.acquisition.decider import REACTS_TO as ACQUISITION
from services.interaction.decider import REACTS_TO as INTERACTION
from services.retention.decider import REACTS_TO as RETENTION
from shared.broker import Record, TopicPartition
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.mongo import Client, close, connect, durable
from shared.mongo_store import MongoEventStore
from shared.topics import ALERTS, CUSTOMER_EVENTS, inbox

REACTS_TO: Mapping[str, frozenset[str]] = {
    "acquisition": ACQUISITION,
    "interaction": INTERACTION,
    "retention": RETENTION,
}
PROJECTION = "projection"
ANY_CHAIN = "none"  # the rules of no snapshot
AT_ONCE = 5_000  # documents of one answer


@dataclass(frozen=True, slots=True)
class Where:
    kafka: str
    mongo: str
    database_prefix: str


@dataclass(frozen=True, slots=True)
class Books:
    """Balanced, if there is no finding; and all of it is there, if nothing is in flight."""

    channels: list[Account]
    services: list[ServiceAccount]
    findings: Findings

    @property
    def in_flight(self) -> int:
        return sum(a.in_flight for a in self.channels) + sum(a.in_flight for a in self.services)


async def read_books(where: Where) -> Books:
    """Raises CliError, also where no deployment is; KafkaError, PyMongoError."""
    if not await partitions_of(where.kafka, [CUSTOMER_EVENTS]):
        raise CliError(f"There is no topic {CUSTOMER_EVENTS} at {where.kafka}: is a deployment up there?", UNASKED)
    client = connect(where.mongo)
    try:
        return await _Reading(where, client).read()
    finally:
        await close(client)


class _Reading:
    def __init__(self, where: Where, client: Client) -> None:
        self._where, self._client, self._findings = where, client, Findings()
        self._stores = {s: self._store(s) for s in DOMAIN_SERVICES}
        self._books = {s: StoreBook(s, self._findings) for s in DOMAIN_SERVICES}
        self._inboxes = {inbox(s): InboxBook(s) for s in DOMAIN_SERVICES}
        self._log = LogBook(self._findings, frozenset().union(*REACTS_TO.values()))
        self._alerts = LogBook(self._findings)

    def _store(self, service: str) -> MongoEventStore:
        return MongoEventStore(durable(self._client, f"{self._where.database_prefix}_{service}"))

    async def read(self) -> Books:
        """The order of the steps is what makes the answer true."""
        committed = {s: await self._committed(s, [inbox(s), CUSTOMER_EVENTS]) for s in DOMAIN_SERVICES}
        committed[PROJECTION] = await self._committed(PROJECTION, [CUSTOMER_EVENTS, ALERTS])
        last = await self._last()
        await asyncio.gather(*map(self._read_store, DOMAIN_SERVICES))
        await read_to_end(self._where.kafka, [*self._inboxes, CUSTOMER_EVENTS, ALERTS], self._take)
        letters = await read_letters(self._where.kafka)
        for service, book in self._books.items():
            await self._read_again(service, unknown_to(book, self._log))
        channels: list[Account] = []
        for service in DOMAIN_SERVICES:
            aside = {Place(x.topic, x.partition, x.offset) for x in letters if x.service == service}
            decided = self._books[service].causes
            received = [*self._inboxes[inbox(service)].received, *self._reactions(service)]
            channels += balance_channels(service, received, decided, aside, committed[service], self._findings)
        return Books(channels, self._balance_services(last, committed[PROJECTION]), self._findings)

    def _balance_services(self, last: Last, committed: Mapping[TopicPartition, int]) -> list[ServiceAccount]:
        accounts = {
            **{s: ServiceAccount(s) for s in DOMAIN_SERVICES},
            **balance_topic(CUSTOMER_EVENTS, self._log, last, committed, self._findings),
            **balance_topic(ALERTS, self._alerts, last, committed, self._findings),
        }
        for service, book in self._books.items():
            balance_store(accounts[service], book, self._log, self._findings)
        look_for_the_unpublished(iter((self._log, self._alerts)), last, self._findings)
        return list(accounts.values())

    async def _committed(self, group: str, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        return await committed_offsets(self._where.kafka, group, topics)

    async def _last(self) -> Last:
        """Of the projection's customers only what they have been shown of each producer."""
        customers = durable(self._client, f"{self._where.database_prefix}_{PROJECTION}")["customers"]
        found = customers.find({}, {"last": 1}).batch_size(AT_ONCE)
        return {d["_id"]: {x["producer"]: x["sequence"] for x in d["last"]} async for d in found}

    async def _read_store(self, service: str) -> None:
        async for commit in self._stores[service].scan():
            self._books[service].take(commit)

    async def _read_again(self, service: str, customers: Collection[str]) -> None:
        for history in (await self._stores[service].load(customers, rules=ANY_CHAIN)).values():
            for commit in history.commits:
                self._books[service].take(commit)

    def _take(self, record: Record) -> None:
        if record.topic in self._inboxes:
            self._inboxes[record.topic].take(record)
        else:
            (self._log if record.topic == CUSTOMER_EVENTS else self._alerts).take(record)

    def _reactions(self, service: str) -> list[Received]:
        history = any(book.tells_time for book in self._inboxes.values())
        return [
            _received(fact, waiting=history and self._log.is_ahead(fact))
            for fact in self._log.reactions
            if fact.type in REACTS_TO[service] and fact.producer != service
        ]


def _received(fact: Reaction, *, waiting: bool) -> Received:
    source = f"tenure/{fact.producer}"
    return Received(fact.place, source, (fact.customer, f"{source}|{fact.id}"), waiting=waiting)

"""How are the books read while everything runs, without moving anybody, so that what is compared can be compared?

By the order: first how far each group has committed, then what the projection shows, then the stores, then the topics.
What a group has committed is stored; what is marked as published stands in the log; what is shown was published before.
Only of a fact that was published after its store had been read, the store is asked again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from cli.books.balance import PROJECTION, Books, Ledger
from cli.books.findings import Place
from cli.books.log_book import Last
from cli.books.services import unknown_to
from cli.dead_letters import read_letters
from cli.errors import UNASKED, CliError
from cli.topic_reader import committed_offsets, partitions_of, read_to_end
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.kafka_client import Kafka, address_of
from shared.mongo import Client, Mongo, close, connect, durable
from shared.mongo_store import MongoEventStore
from shared.topics import ALERTS, CUSTOMER_EVENTS, inbox

ANY_CHAIN = "none"  # the rules of no snapshot
AT_ONCE = 5_000  # documents of one answer
SCAN_S = 900.0  # for an answer: to a database that has to sort a whole store before it gives the first document


@dataclass(frozen=True, slots=True)
class Where:
    kafka: Kafka
    mongo: Mongo
    database_prefix: str


async def read_books(where: Where) -> Books:
    """Raises CliError, also where no deployment is; KafkaError, PyMongoError."""
    if not await partitions_of(where.kafka, [CUSTOMER_EVENTS]):
        raise CliError(
            f"There is no topic {CUSTOMER_EVENTS} at {address_of(where.kafka)}: is a deployment up there?", UNASKED
        )
    await _ask(where.mongo)
    client = connect(where.mongo, timeout_s=SCAN_S)
    try:
        return await _Reading(where, client).read()
    finally:
        await close(client)


async def _ask(mongo: Mongo) -> None:
    """Whether it answers at all: what is not there is asked again and again for as long as a scan may take."""
    client = connect(mongo)
    try:
        await client.admin.command("ping")
    finally:
        await close(client)


class _Reading:
    def __init__(self, where: Where, client: Client) -> None:
        self._where, self._client, self._ledger = where, client, Ledger()
        prefix = where.database_prefix
        self._stores = {s: MongoEventStore(durable(client, f"{prefix}_{s}")) for s in DOMAIN_SERVICES}

    async def read(self) -> Books:
        """The order of the steps is what makes the answer true."""
        kafka = self._where.kafka
        reads = {s: [inbox(s), CUSTOMER_EVENTS] for s in DOMAIN_SERVICES} | {PROJECTION: [CUSTOMER_EVENTS, ALERTS]}
        committed = {group: await committed_offsets(kafka, group, topics) for group, topics in reads.items()}
        last = await self._last()
        await asyncio.gather(*map(self._read_store, DOMAIN_SERVICES))
        await read_to_end(kafka, self._ledger.topics, self._ledger.take)
        letters: defaultdict[str, set[Place]] = defaultdict(set)
        for letter in await read_letters(kafka):
            letters[letter.service].add(Place(letter.topic, letter.partition, letter.offset))
        for service, book in self._ledger.stores.items():
            await self._read_again(service, unknown_to(book, self._ledger.log))
        return self._ledger.balance(letters, last, committed)

    async def _last(self) -> Last:
        """Of the projection's customers only what they have been shown of each producer."""
        customers = durable(self._client, f"{self._where.database_prefix}_{PROJECTION}")["customers"]
        found = customers.find({}, {"last": 1}).batch_size(AT_ONCE)
        return {d["_id"]: {x["producer"]: x["sequence"] for x in d["last"]} async for d in found}

    async def _read_store(self, service: str) -> None:
        async for commit in self._stores[service].scan():
            self._ledger.stores[service].take(commit)

    async def _read_again(self, service: str, customers: Collection[str]) -> None:
        for history in (await self._stores[service].load(customers, rules=ANY_CHAIN)).values():
            for commit in history.commits:
                self._ledger.stores[service].take(commit)

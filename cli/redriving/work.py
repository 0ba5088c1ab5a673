"""How are commands and dead letters brought to the inboxes, and their outcome awaited?

Records leave one by one, each acknowledged before the next, so that the order per customer is kept and an interrupted
run has sent a beginning of it. Sending twice changes nothing: what is recorded is known by its cause.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from cli.books.channels import Cause
from cli.books.findings import Place
from cli.books.inbox_book import REDRIVEN_FROM
from cli.books.reading import Where
from cli.dead_letters import Letter, read_letters
from cli.errors import UNASKED, CliError
from cli.redriving.letters import Candidate, Examiner, without_known
from cli.redriving.parked import SOURCE, Outcome, Parked, ParkedBook, command, outcome_of
from cli.topic_reader import partitions_of, read_to_end
from shared.broker import Outgoing, Record
from shared.contracts.catalogue import FACT_TYPES
from shared.contracts.envelope import read_fact
from shared.kafka_client import address_of, client_options
from shared.kafka_refusals import start
from shared.mongo import close, connect, durable
from shared.mongo_store import MongoEventStore
from shared.settings import TimeSource
from shared.topics import inbox, partition_of

LOOK_EVERY_S = 0.5
MOST_ROUNDS = 1_000  # of commands to one customer; each but the last releases something

Stores = Mapping[str, MongoEventStore]
Key = tuple[str, str]  # service, customer


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A customer with parked causes, oldest first."""

    service: str
    customer: str
    parked: Mapping[str, Parked]

    @property
    def key(self) -> Key:
        return self.service, self.customer


class Redriver:
    def __init__(
        self, where: Where, time_source: TimeSource, stores: Stores, producer: AIOKafkaProducer, partitions: int
    ) -> None:
        self._where, self._time, self._stores = where, time_source, stores
        self._producer, self._partitions = producer, partitions

    async def parked(self, services: Collection[str]) -> list[Awaiting]:
        """In order of service and customer."""
        found: list[Awaiting] = []
        for service in services:
            book = ParkedBook()
            async for commit in self._stores[service].scan():
                book.take(commit)
            found += [Awaiting(service, customer, parked) for customer, parked in sorted(book.customers.items())]
        return found

    async def letters(self, services: Collection[str]) -> list[Candidate]:
        """Every dead letter of theirs, with its obstacle if there is one."""
        letters = [letter for s in services for letter in await read_letters(self._where.kafka, s)]
        if not letters:
            return []
        examiner = Examiner(partitions=self._partitions, time=self._time, now=datetime.now(UTC))
        candidates = examiner.examine(letters, await self._redriven(letters))
        return list(without_known(candidates, await self._digests(candidates)))

    async def _redriven(self, letters: Sequence[Letter]) -> set[Place]:
        found: set[Place] = set()

        def take(record: Record) -> None:
            found.update(_place(value) for name, value in record.headers if name == REDRIVEN_FROM and value)

        await read_to_end(self._where.kafka, sorted({inbox(letter.service) for letter in letters}), take)
        return found

    async def _digests(self, candidates: Sequence[Candidate]) -> dict[Cause, str | None]:
        digests: dict[Cause, str | None] = {}
        for service in {c.letter.service for c in candidates}:
            causes = {c.cause for c in candidates if c.letter.service == service and c.cause is not None}
            for cause, commit in (await self._stores[service].find_causes(causes)).items():
                digests[cause] = read_fact(commit.events[0], FACT_TYPES).digest
        return digests

    async def send(self, records: Sequence[Outgoing]) -> None:
        for r in records:
            await self._producer.send_and_wait(
                r.topic, r.value, key=r.key, partition=r.partition, headers=list(r.headers)
            )

    async def release(self, awaiting: Sequence[Awaiting], *, wait_s: float) -> list[str | None]:
        """Commands until nothing is parked any more; answers why something still is, customer by customer."""
        troubles: dict[Key, str] = {}
        left = {a.key: dict(a.parked) for a in awaiting}
        for _ in range(MOST_ROUNDS):
            outcomes = await self._command({key: next(iter(parked.values())) for key, parked in left.items()}, wait_s)
            for key, parked in list(left.items()):
                trouble, rest = _after(key, parked, outcomes.get(key), wait_s)
                left[key] = rest
                if trouble is not None:
                    troubles[key] = trouble
                if trouble is not None or not rest:
                    del left[key]
            if not left:
                break
        troubles |= {key: f"{len(parked):,} causes are still parked" for key, parked in left.items()}
        return [troubles.get(a.key) for a in awaiting]

    async def _command(self, oldest: Mapping[Key, Parked], wait_s: float) -> dict[Key, Outcome]:
        """One command to each customer; answers the outcomes that came within `wait_s`."""
        ids = {key: str(uuid4()) for key in oldest}
        await self.send([self._record(key, ids[key], parked.at) for key, parked in oldest.items()])
        outcomes: dict[Key, Outcome] = {}
        deadline = time.monotonic() + wait_s
        while len(outcomes) < len(ids) and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_EVERY_S)
            for service, store in self._stores.items():
                causes = {(c, f"{SOURCE}|{id_}"): (s, c) for (s, c), id_ in ids.items() if s == service}
                found = await store.find_causes(causes.keys() - {c for c, k in causes.items() if k in outcomes})
                outcomes |= {causes[cause]: outcome_of(commit) for cause, commit in found.items()}
        return outcomes

    def _record(self, key: Key, id_: str, parked_at: datetime) -> Outgoing:
        service, customer = key
        at = parked_at if self._time is TimeSource.HISTORY else datetime.now(UTC)
        partition = partition_of(customer, self._partitions)
        return Outgoing(inbox(service), partition, customer.encode(), command(id_, customer, at))


def _after(
    key: Key, parked: Mapping[str, Parked], outcome: Outcome | None, wait_s: float
) -> tuple[str | None, dict[str, Parked]]:
    """What stands in the way of another command, if anything, and what is still parked."""
    if outcome is None:
        return f"{key[0]} has not answered within {wait_s:g} s; the command stands in its inbox", dict(parked)
    rest = {cause: one for cause, one in parked.items() if cause not in outcome.released}
    if rest and not outcome.released:
        return outcome.note or "nothing was released", rest
    return None, rest


@asynccontextmanager
async def redriver(where: Where, time_source: TimeSource, services: Collection[str]) -> AsyncIterator[Redriver]:
    """Raises CliError where no deployment is."""
    partitions = len(await partitions_of(where.kafka, [inbox(next(iter(services)))]))
    if not partitions:
        raise CliError(f"There are no inboxes at {address_of(where.kafka)}: is a deployment up there?", UNASKED)
    client = connect(where.mongo)
    try:
        stores = {s: MongoEventStore(durable(client, f"{where.database_prefix}_{s}")) for s in services}
        producer = AIOKafkaProducer(**client_options(where.kafka), acks="all")
        try:
            await start(producer, where.kafka)
            yield Redriver(where, time_source, stores, producer, partitions)
        finally:
            await producer.stop()
    finally:
        await close(client)


def _place(raw: bytes) -> Place:
    """Anybody may write a header; one that is damaged names no place."""
    topic, partition, offset = ("///" + raw.decode(errors="replace")).rsplit("/", 2)
    return Place(topic.lstrip("/"), *(int(n) if n.isdecimal() else -1 for n in (partition, offset)))

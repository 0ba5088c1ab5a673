"""The event store on MongoDB.

`commits` is only ever inserted into (`published` apart); its two unique indexes are the fence between two owners.
Histories are read by primary key alone: each commit tells its last sequence, and so the key of the one that follows.
`snapshots` may be dropped at any time. `due` holds, per partition and bucket of time, the customers to look at then.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from shared.event_store import Buckets, Commit, History, Refused, Snapshot
from shared.insert_limits import check_insert
from shared.mongo import MAY_BE_LOST, Database, Document, Documents, collisions

WINDOW = 16  # sequence numbers looked up at once, once a customer is known to have any
WIDEST_WINDOW = 256  # a longer history doubles its window each time, up to here
KEYS_AT_ONCE = 8_000  # a command must stay below 16 MiB; a key has up to 530 bytes
PAIRS_AT_ONCE = 1_000
SCANNED_AT_ONCE = 2_000
T = TypeVar("T")


class MongoEventStore:
    """EventStore. `clock` gives epoch seconds; it only dates commits for the sweep."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._commits = database["commits"]
        self._marks = self._commits.with_options(write_concern=MAY_BE_LOST)
        self._snapshots = database["snapshots"]
        self._due = database["due"]
        self._clock = clock

    async def prepare(self) -> None:
        """Creates what is missing of the indexes. Before anything else, by every process, as often as one likes."""
        await self._commits.create_indexes(
            [
                IndexModel([("customer_id", ASCENDING), ("cause", ASCENDING)], unique=True),
                IndexModel([("partition", ASCENDING), ("at", ASCENDING)], partialFilterExpression={"published": False}),
            ]
        )
        await self._due.create_indexes([IndexModel([("partition", ASCENDING)])])

    async def load(self, customers: Collection[str], *, rules: str) -> dict[str, History]:
        snapshots = await self._load_snapshots(customers, rules)
        chains = await self._load_chains({c: snapshots[c].last if c in snapshots else 0 for c in customers})
        return {c: History(snapshots.get(c), tuple(chain)) for c, chain in chains.items()}

    async def append(self, commits: Sequence[Commit]) -> None:
        if not commits:
            return
        check_insert(commits)
        at = self._clock()
        try:
            await self._commits.insert_many([_to_document(c, at) for c in commits], ordered=True)
        except BulkWriteError as error:
            raise Refused(collisions(error)[0]) from None

    async def find_causes(self, causes: Collection[tuple[str, str]]) -> dict[tuple[str, str], Commit]:
        wanted, found = set(causes), {}
        for some in _sliced(list(wanted), PAIRS_AT_ONCE):
            customers, names = list({c for c, _ in some}), list({cause for _, cause in some})
            query = {
                "customer_id": {"$in": customers},
                "cause": {"$in": names},
            }  # every pairing: the index knows no pairs
            async for document in self._commits.find(query):
                commit = _to_commit(document)
                found[commit.customer, commit.cause] = commit
        return {pair: commit for pair, commit in found.items() if pair in wanted}

    async def mark_published(self, commits: Sequence[Commit]) -> None:
        for keys in _sliced([c.key for c in commits]):
            await self._marks.update_many({"_id": {"$in": keys}}, {"$set": {"published": True}})

    async def unpublished(self, partitions: Collection[int], *, older_than_s: float) -> set[str]:
        query = {
            "partition": {"$in": list(partitions)},
            "published": False,
            "at": {"$lte": self._clock() - older_than_s},
        }
        return {d["customer_id"] async for d in self._commits.find(query, {"customer_id": 1})}

    async def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        await _upsert(
            self._snapshots,
            [
                UpdateOne(
                    {"_id": s.customer, "last": {"$lte": s.last}},  # a newer one: the upsert collides with it
                    {"$set": {"last": s.last, "rules": s.rules, "state": s.state}},
                    upsert=True,
                )
                for s in snapshots
            ],
        )

    async def add_due(self, due: Buckets) -> None:
        operations = [
            UpdateOne(
                {"_id": _bucket_key(partition, bucket)},
                {
                    "$addToSet": {"customers": {"$each": sorted(customers)}},
                    "$setOnInsert": {"partition": partition, "bucket": bucket},
                },
                upsert=True,
            )
            for partition, buckets in due.items()
            for bucket, customers in buckets.items()
            if customers
        ]
        if operations:
            await self._due.bulk_write(operations, ordered=False)

    async def remove_due(self, due: Buckets) -> None:
        looked = {
            _bucket_key(p, b): sorted(customers) for p, buckets in due.items() for b, customers in buckets.items()
        }
        if looked:
            await self._due.bulk_write(
                [UpdateOne({"_id": key}, {"$pullAll": {"customers": c}}) for key, c in looked.items()], ordered=False
            )
            await self._due.delete_many(  # unless somebody was added since
                {"_id": {"$in": sorted(looked)}, "customers": {"$size": 0}}
            )

    async def open_due(self, partitions: Collection[int]) -> dict[int, dict[int, set[str]]]:
        lists: dict[int, dict[int, set[str]]] = {p: {} for p in partitions}
        async for d in self._due.find({"partition": {"$in": list(partitions)}}):
            if d["customers"]:
                lists[d["partition"]][d["bucket"]] = set(d["customers"])
        return lists

    async def scan(self) -> AsyncIterator[Commit]:
        chain: list[Commit] = []
        async for document in self._commits.find().sort([("customer_id", ASCENDING)]).batch_size(SCANNED_AT_ONCE):
            commit = _to_commit(document)
            if chain and chain[0].customer != commit.customer:
                for earlier in sorted(chain, key=_first):
                    yield earlier
                chain = []
            chain.append(commit)
        for earlier in sorted(chain, key=_first):
            yield earlier

    async def _load_snapshots(self, customers: Collection[str], rules: str) -> dict[str, Snapshot]:
        documents = await _by_keys(self._snapshots, list(customers))
        return {
            key: Snapshot(key, d["last"], d["rules"], d["state"]) for key, d in documents.items() if d["rules"] == rules
        }

    async def _load_chains(self, after: Mapping[str, int]) -> dict[str, list[Commit]]:
        """Customer -> commits after that sequence. One look for everybody's next commit, then a window at a time for
        those who may have more."""
        chains: dict[str, list[Commit]] = {customer: [] for customer in after}
        reached = dict(after)
        growing, window = list(after), 1
        while growing:
            keys = [f"{customer}/{reached[customer] + n}" for customer in growing for n in range(1, window + 1)]
            found = await _by_keys(self._commits, keys)
            still = []
            for customer in growing:
                end_of_window = reached[customer] + window
                while document := found.get(f"{customer}/{reached[customer] + 1}"):
                    chains[customer].append(_to_commit(document))
                    reached[customer] = document["last"]
                if reached[customer] >= end_of_window:  # what follows was not looked for
                    still.append(customer)
            growing, window = still, WINDOW if window == 1 else min(window * 2, WIDEST_WINDOW)
        return chains


async def _by_keys(collection: Documents, keys: Sequence[str]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for some in _sliced(keys):
        for document in await collection.find({"_id": {"$in": some}}).to_list(None):
            found[document["_id"]] = document
    return found


async def _upsert(collection: Documents, operations: Sequence[UpdateOne]) -> None:
    """Collisions are what the condition of an upsert is for: somebody else's stays."""
    if not operations:
        return
    try:
        await collection.bulk_write(list(operations), ordered=False)
    except BulkWriteError as error:
        collisions(error)


def _sliced(things: Sequence[T], size: int = KEYS_AT_ONCE) -> list[list[T]]:
    return [list(things[i : i + size]) for i in range(0, len(things), size)]


def _bucket_key(partition: int, bucket: int) -> str:
    return f"{partition}/{bucket}"


def _first(commit: Commit) -> int:
    return commit.first


def _to_document(commit: Commit, at: float) -> Document:
    return {
        "_id": commit.key,
        "customer_id": commit.customer,
        "first": commit.first,
        "last": commit.last,
        "cause": commit.cause,
        "events": list(commit.events),
        "partition": commit.partition,
        "published": commit.published,
        "at": at,
    }


def _to_commit(document: Document) -> Commit:
    return Commit(
        customer=document["customer_id"],
        first=document["first"],
        last=document["last"],
        cause=document["cause"],
        events=tuple(document["events"]),
        partition=document["partition"],
        published=bool(document["published"]),
    )

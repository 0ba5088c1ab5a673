"""What the event store needs of MongoDB and the stand-in cannot show: indexes that are used, majorities, fail-over."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from shared.event_store import Commit, Refused
from shared.mongo import Database, close, connect, durable
from shared.mongo_store import MongoEventStore
from tests.containers import ReplicaSet, replica_set, why_no_docker

RULES = "rules-1"
PATIENCE_S = 5.0  # of a call, before its outcome counts as unknown
COMMITS = 300
OFF, EVERYTHING = 0, 2  # levels of the profiler


@asynccontextmanager
async def database_at(url: str, *, timeout_s: float = 20) -> AsyncIterator[Database]:
    """An empty one, with its indexes."""
    client = connect(url, timeout_s=timeout_s)
    try:
        database = durable(client, f"test_{uuid4().hex}")
        await MongoEventStore(database).prepare()
        yield database
    finally:
        await close(client)


def commit(customer: str, number: int) -> Commit:
    return Commit(customer, number, number, f"shop|{number}", (b"event %d" % number,), 0)


async def stored(store: MongoEventStore, customer: str) -> list[int]:
    """The sequence numbers of the chain, from the first on."""
    return [c.first for c in (await store.load([customer], rules=RULES))[customer].commits]


async def test_every_query_of_the_store_is_answered_by_an_index(mongodb_url: str) -> None:
    async with database_at(mongodb_url) as database:
        store = MongoEventStore(database)
        await store.append([commit(f"c-{n}", 1) for n in range(1_000)])
        await store.mark_published([commit(f"c-{n}", 1) for n in range(990)])
        await store.add_due({0: {7: {"c-1"}}})
        await database.command("profile", EVERYTHING)
        assert 10 == len(await store.unpublished([0], older_than_s=-60))
        await store.load(["c-1", "c-2"], rules=RULES)
        await store.find_causes([("c-1", "shop|1")])
        await store.open_due([0])
        await database.command("profile", OFF)
        plans = await plans_of(database)
    assert {"commits", "snapshots", "due"} == {collection for collection, _, _ in plans}
    assert [] == [plan for plan in plans if "COLLSCAN" in plan[1]]
    [sweep] = [plan for plan in plans if "IXSCAN { partition: 1, at: 1 }" in plan[1]]
    assert 10 == sweep[2], "the index of what is unpublished holds nothing else"


async def plans_of(database: Database) -> list[tuple[str, str, int]]:
    """Of what the profiler saw: collection, how it was found, how many documents were looked at."""
    profile = database["system.profile"].with_options(read_concern=ReadConcern("local"))
    entries: Sequence[dict[str, Any]] = await profile.find({"op": "query"}).to_list(None)
    own = [entry for entry in entries if not entry["ns"].endswith(".system.profile")]
    return [(entry["ns"].rpartition(".")[2], entry["planSummary"], entry["docsExamined"]) for entry in own]


@pytest.fixture(scope="module")
def members() -> Iterator[ReplicaSet]:
    if reason := why_no_docker():
        pytest.skip(f"no MongoDB here: {reason}")
    with replica_set() as members:
        yield members


@pytest.mark.long
async def test_without_a_majority_nothing_counts_as_stored_and_afterwards_it_is_there_once(
    members: ReplicaSet,
) -> None:
    async with database_at(members.url, timeout_s=PATIENCE_S) as database:
        store = MongoEventStore(database)
        await store.append([commit("c", 1)])
        await asyncio.to_thread(members.signal_secondaries, "STOP")
        try:
            with pytest.raises(PyMongoError):
                await store.append([commit("c", 2)])
        finally:
            await asyncio.to_thread(members.signal_secondaries, "CONT")
        await asyncio.to_thread(members.await_primary)
        assert await eventually_stored(store, "c") in ([1], [1, 2])
        with suppress(Refused):  # it was stored after all
            await store.append([commit("c", 2)])
        assert [1, 2] == await stored(store, "c")


@pytest.mark.long
async def test_a_primary_that_steps_down_while_commits_are_stored_loses_none_of_them(members: ReplicaSet) -> None:
    async with database_at(members.url, timeout_s=PATIENCE_S) as database:
        store = MongoEventStore(database)
        writing = asyncio.create_task(write_through(store, "c"))
        await asyncio.to_thread(members.step_down)
        acknowledged = await writing
        chain = await eventually_stored(store, "c")
    assert list(range(1, COMMITS + 1)) == chain
    assert acknowledged <= set(chain)


async def write_through(store: MongoEventStore, customer: str) -> set[int]:
    """One commit after the other, as the processor does it: an unknown outcome is looked up, and the next number is
    the first that is not there. Answers what was acknowledged."""
    acknowledged: set[int] = set()
    number = 1
    while number <= COMMITS:
        try:
            await store.append([commit(customer, number)])
            acknowledged.add(number)
            number += 1
        except (PyMongoError, Refused):
            number = len(await eventually_stored(store, customer)) + 1
    return acknowledged


async def eventually_stored(store: MongoEventStore, customer: str) -> list[int]:
    """As soon as the database answers, which takes an election."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await stored(store, customer)
            except PyMongoError:
                await asyncio.sleep(0.1)

"""What every store of checkpoints promises."""

import asyncio
from collections.abc import Mapping

import pytest
from pymongo import MongoClient

from shared.checkpoints import Checkpoint, CheckpointStore, Superseded
from shared.mongo import Database, Document
from shared.mongo_checkpoints import MongoCheckpoints

PAGES = {0: b"zero", 1: bytes(range(256)), 63: b""}


async def save(
    checkpoints: CheckpointStore,
    expected: int,
    changed: Mapping[int, bytes],
    *,
    meta: bytes = b"meta",
    partition: int = 3,
) -> int:
    return await checkpoints.save(partition, expected=expected, meta=meta, changed=changed)


async def test_before_the_first_save_there_is_no_checkpoint(checkpoints: CheckpointStore) -> None:
    assert await checkpoints.load(3) is None


async def test_what_is_saved_is_loaded_exactly(checkpoints: CheckpointStore) -> None:
    assert await save(checkpoints, 0, PAGES, meta=b"\x00\xff") == 1
    assert await checkpoints.load(3) == Checkpoint(1, b"\x00\xff", PAGES)


async def test_pages_that_did_not_change_stay(checkpoints: CheckpointStore) -> None:
    await save(checkpoints, 0, PAGES)
    await save(checkpoints, 1, {1: b"new", 7: b"more"})
    assert await save(checkpoints, 2, {1: b"newer"}, meta=b"later") == 3
    assert await checkpoints.load(3) == Checkpoint(3, b"later", {**PAGES, 1: b"newer", 7: b"more"})


async def test_a_save_may_change_no_page_at_all(checkpoints: CheckpointStore) -> None:
    await save(checkpoints, 0, {})
    assert await save(checkpoints, 1, {}, meta=b"later") == 2
    assert await checkpoints.load(3) == Checkpoint(2, b"later", {})


async def test_partitions_do_not_know_one_another(checkpoints: CheckpointStore) -> None:
    await save(checkpoints, 0, {0: b"of 3"}, partition=3)
    await save(checkpoints, 0, {0: b"of 31"}, partition=31)
    await save(checkpoints, 1, {0: b"of 31, newer"}, partition=31)
    assert await checkpoints.load(3) == Checkpoint(1, b"meta", {0: b"of 3"})
    assert await checkpoints.load(31) == Checkpoint(2, b"meta", {0: b"of 31, newer"})


@pytest.mark.parametrize("expected", [0, 1, 3])
async def test_a_save_from_another_generation_is_superseded_and_leaves_nothing(
    checkpoints: CheckpointStore, expected: int
) -> None:
    await save(checkpoints, 0, PAGES)
    await save(checkpoints, 1, {0: b"new"})
    with pytest.raises(Superseded):
        await save(checkpoints, expected, {0: b"stale", 5: b"stale"}, meta=b"stale")
    assert await checkpoints.load(3) == Checkpoint(2, b"meta", {**PAGES, 0: b"new"})


async def test_a_first_save_cannot_build_on_anything(checkpoints: CheckpointStore) -> None:
    with pytest.raises(Superseded):
        await save(checkpoints, 1, PAGES)
    assert await checkpoints.load(3) is None


@pytest.mark.parametrize("generation", [0, 1])
async def test_of_two_owners_who_save_at_once_one_is_superseded(checkpoints: CheckpointStore, generation: int) -> None:
    for n in range(generation):
        await save(checkpoints, n, PAGES)
    contents = [b"mine", b"yours"]
    outcomes = await asyncio.gather(
        *(save(checkpoints, generation, {0: c, 1: c}, meta=c) for c in contents), return_exceptions=True
    )
    assert sorted(type(o).__name__ for o in outcomes) == ["Superseded", "int"]
    winner = contents[0] if isinstance(outcomes[0], int) else contents[1]
    loaded = await checkpoints.load(3)
    assert loaded is not None
    assert (loaded.meta, loaded.pages[0], loaded.pages[1]) == (winner, winner, winner)


async def test_a_reader_sees_one_generation_or_the_next_but_no_mixture(checkpoints: CheckpointStore) -> None:
    def state(n: int) -> dict[int, bytes]:
        return dict.fromkeys(range(8), b"%d" % n)

    await save(checkpoints, 0, state(1), meta=b"1")
    seen: set[int] = set()

    async def write() -> None:
        for n in range(1, 20):
            await save(checkpoints, n, state(n + 1), meta=b"%d" % (n + 1))

    writing = asyncio.create_task(write())
    while not writing.done():
        loaded = await checkpoints.load(3)
        assert loaded is not None
        assert {loaded.meta, *loaded.pages.values()} == {b"%d" % loaded.generation}
        seen.add(loaded.generation)
        await asyncio.sleep(0)
    await writing
    assert seen


async def test_two_hundred_large_pages_are_one_checkpoint(checkpoints: CheckpointStore) -> None:
    pages = {n: bytes([n]) * 50_000 for n in range(200)}
    await save(checkpoints, 0, pages)
    assert await checkpoints.load(3) == Checkpoint(1, b"meta", pages)


class TestOnMongo:
    """What is left behind there, and who removes it."""

    @pytest.fixture(params=["nx-27017", "mongodb"])
    def backend(self, request: pytest.FixtureRequest) -> str:
        return str(request.getfixturevalue({"nx-27017": "database_url", "mongodb": "mongodb_url"}[request.param]))

    async def test_replaced_pages_are_removed(self, database: Database, checkpoints: MongoCheckpoints) -> None:
        for n in range(5):
            await save(checkpoints, n, {0: b"%d" % n, 1: b"%d" % n})
        assert len(await page_ids(database)) == 2

    async def test_pages_of_a_crashed_save_are_removed_by_the_next_owner(
        self, database: Database, checkpoints: MongoCheckpoints
    ) -> None:
        await save(checkpoints, 0, {0: b"kept"})
        await database["checkpoint_pages"].insert_one(page("3/0/2/crashed", generation=2))
        next_owner = MongoCheckpoints(database)
        await next_owner.load(3)
        await save(next_owner, 1, {1: b"new"})
        assert "3/0/2/crashed" not in await page_ids(database)
        assert await next_owner.load(3) == Checkpoint(2, b"meta", {0: b"kept", 1: b"new"})

    async def test_pages_of_a_save_that_may_still_succeed_stay(
        self, database: Database, checkpoints: MongoCheckpoints
    ) -> None:
        await database["checkpoint_pages"].insert_one(page("3/0/2/under way", generation=2))
        await save(checkpoints, 0, {0: b"kept"})
        assert "3/0/2/under way" in await page_ids(database)

    async def test_pages_of_a_superseded_save_are_removed(
        self, backend: str, database: Database, checkpoints: MongoCheckpoints
    ) -> None:
        await save(checkpoints, 0, {0: b"kept"})
        stale = overtaken_by(backend, database, {"generation": 2, "attempt": "theirs"})
        with pytest.raises(Superseded):
            await save(stale, 1, {0: b"stale", 1: b"stale"})
        assert len(await page_ids(database)) == 1

    async def test_a_save_that_the_driver_sent_twice_does_not_lose_to_itself(
        self, backend: str, database: Database, checkpoints: MongoCheckpoints
    ) -> None:
        await save(checkpoints, 0, {0: b"kept"})
        first_copy = {"generation": 2, "attempt": "mine", "pages.1": "3/1/2/mine"}
        assert await save(overtaken_by(backend, database, first_copy), 1, {1: b"new"}) == 2
        assert await checkpoints.load(3) == Checkpoint(2, b"meta", {0: b"kept", 1: b"new"})

    async def test_a_pointer_to_pages_that_do_not_exist_is_said_not_loaded(
        self, database: Database, checkpoints: MongoCheckpoints
    ) -> None:
        await save(checkpoints, 0, PAGES)
        await database["checkpoint_pages"].delete_many({"_id": {"$in": await page_ids(database)}})
        with pytest.raises(LookupError, match="lacks pages at generation 1"):
            await checkpoints.load(3)


def overtaken_by(url: str, database: Database, change: Document) -> MongoCheckpoints:
    """Its save finds the pointer changed, once it has looked at it and before it moves it."""

    def attempt() -> str:
        with MongoClient[Document](url) as client:
            client[database.name]["checkpoints"].update_one({"_id": 3}, {"$set": change})
        return "mine"

    return MongoCheckpoints(database, attempt=attempt)


def page(key: str, *, generation: int) -> Document:
    return {"_id": key, "partition": 3, "generation": generation, "data": b"left behind"}


async def page_ids(database: Database) -> list[str]:
    return [d["_id"] async for d in database["checkpoint_pages"].find({}, {"_id": 1})]

"""Checkpoints on MongoDB: pages under ids of their own, and one pointer document that says which of them count.

A save writes its pages, moves the pointer by compare-and-set, then removes the pages it replaced. Whatever a crash
leaves behind is pointed to by nobody, and is removed by the first save after the next load.
"""

from collections.abc import Callable, Iterable, Mapping
from uuid import uuid4

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from shared.checkpoints import Checkpoint, Superseded
from shared.mongo import Database, Document

LOOKS = 20  # a load that saves keep overtaking gives up after that many


class MongoCheckpoints:
    """CheckpointStore, for one reader. `attempt` gives each save an id that nobody else has."""

    def __init__(self, database: Database, *, attempt: Callable[[], str] = lambda: uuid4().hex) -> None:
        self._pages = database["checkpoint_pages"]
        self._pointers = database["checkpoints"]
        self._attempt = attempt
        self._tidy: set[int] = set()  # partitions where nothing can be left behind

    async def prepare(self) -> None:
        """Creates what is missing of the indexes."""
        await self._pages.create_indexes([IndexModel([("partition", ASCENDING), ("generation", ASCENDING)])])

    async def load(self, partition: int) -> Checkpoint | None:
        self._tidy.discard(partition)
        generation = 0
        for _ in range(LOOKS):
            pointer = await self._pointers.find_one({"_id": partition})
            if pointer is None:
                return None
            if pointer["generation"] == generation:
                break
            pages = await self._read_pages(pointer["pages"])
            if len(pages) == len(pointer["pages"]):
                return Checkpoint(pointer["generation"], pointer["meta"], pages)
            generation = pointer["generation"]  # a save removed what this one replaced: there must be a newer one
        raise LookupError(f"the checkpoint of partition {partition} lacks pages at generation {generation}")

    async def save(self, partition: int, *, expected: int, meta: bytes, changed: Mapping[int, bytes]) -> int:
        before = await self._pages_at(partition, expected)
        tidy = partition in self._tidy
        self._tidy.discard(partition)  # until this save is complete
        generation, attempt = expected + 1, self._attempt()
        keys = {str(page): f"{partition}/{page}/{generation}/{attempt}" for page in changed}
        await self._write_pages(partition, generation, {keys[str(page)]: data for page, data in changed.items()})
        after = {"generation": generation, "meta": meta, "pages": {**before, **keys}, "attempt": attempt}
        if not await self._move_pointer(partition, expected, after):
            await self._give_up(partition, keys.values(), attempt, expected)
        if tidy:
            await self._remove(before[page] for page in keys if page in before)
        else:
            await self._remove_unreachable(partition, after)
        self._tidy.add(partition)
        return generation

    async def _pages_at(self, partition: int, expected: int) -> dict[str, str]:
        """Page -> id of its newest content, if the pointer is still where it should be."""
        pointer = await self._pointers.find_one({"_id": partition}, {"generation": 1, "pages": 1})
        if (pointer["generation"] if pointer else 0) != expected:
            raise Superseded(partition, expected)
        return dict(pointer["pages"]) if pointer else {}

    async def _move_pointer(self, partition: int, expected: int, after: Document) -> bool:
        if expected:
            moved = await self._pointers.update_one({"_id": partition, "generation": expected}, {"$set": after})
            return moved.matched_count == 1
        try:
            await self._pointers.insert_one({"_id": partition, **after})
        except DuplicateKeyError:
            return False
        return True

    async def _give_up(self, partition: int, keys: Iterable[str], attempt: str, expected: int) -> None:
        """Raises Superseded, unless the winner is this very save: a write that was sent twice can lose to itself."""
        winner = await self._pointers.find_one({"_id": partition}, {"attempt": 1, "pages": 1})
        if winner is not None and winner["attempt"] == attempt:
            return
        reachable = set(winner["pages"].values()) if winner else set()
        await self._remove(set(keys) - reachable)
        raise Superseded(partition, expected)

    async def _read_pages(self, keys: Mapping[str, str]) -> dict[int, bytes]:
        numbers = {key: int(page) for page, key in keys.items()}
        found = await self._pages.find({"_id": {"$in": list(numbers)}}).to_list(None)
        return {numbers[document["_id"]]: document["data"] for document in found}

    async def _write_pages(self, partition: int, generation: int, pages: Mapping[str, bytes]) -> None:
        if pages:
            documents = [
                {"_id": key, "partition": partition, "generation": generation, "data": data}
                for key, data in pages.items()
            ]
            await self._pages.insert_many(documents, ordered=False)

    async def _remove(self, keys: Iterable[str]) -> None:
        if unwanted := list(keys):
            await self._pages.delete_many({"_id": {"$in": unwanted}})

    async def _remove_unreachable(self, partition: int, pointer: Document) -> None:
        """Only up to this generation: pages of the next one belong to a save that may still succeed."""
        query = {"partition": partition, "generation": {"$lte": pointer["generation"]}}
        stored = [d["_id"] async for d in self._pages.find(query, {"_id": 1})]
        await self._remove(set(stored) - set(pointer["pages"].values()))

"""Checkpoints in memory, saved in the database's steps: pages, pointer, removal of what nobody points to."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.checkpoints import Checkpoint, Superseded
from shared.pause import Pause, go_on


@dataclass(frozen=True, slots=True)
class _Pointer:
    generation: int
    meta: bytes
    pages: Mapping[int, "_PageKey"]


@dataclass(frozen=True, slots=True)
class _PageKey:
    partition: int
    page: int
    generation: int
    attempt: int  # two owners who save the same generation do not write over one another


class MemoryCheckpoints:
    """CheckpointStore, for one reader."""

    def __init__(self, *, pause: Pause = go_on) -> None:
        self._pause = pause
        self._pages: dict[_PageKey, bytes] = {}
        self._pointers: dict[int, _Pointer] = {}
        self._attempts = 0

    @property
    def stored_pages(self) -> int:
        """How many pages are held, those that nobody points to included."""
        return len(self._pages)

    async def load(self, partition: int) -> Checkpoint | None:
        await self._pause("load checkpoint")
        pointer = self._pointers.get(partition)
        if pointer is None:
            return None
        return Checkpoint(pointer.generation, pointer.meta, {n: self._pages[key] for n, key in pointer.pages.items()})

    async def save(self, partition: int, *, expected: int, meta: bytes, changed: Mapping[int, bytes]) -> int:
        await self._pause("save checkpoint")
        self._check(partition, expected)
        self._attempts += 1
        keys = {page: _PageKey(partition, page, expected + 1, self._attempts) for page in changed}
        for page, content in sorted(changed.items()):
            await self._pause("save checkpoint: page")
            self._pages[keys[page]] = content
        await self._pause("save checkpoint: pointer")
        self._move(partition, expected, meta, keys)
        await self._pause("save checkpoint: remove")
        self._remove_unreachable(partition, expected + 1)
        return expected + 1

    def _check(self, partition: int, expected: int) -> _Pointer:
        pointer = self._pointers.get(partition, _Pointer(0, b"", {}))
        if pointer.generation != expected:
            raise Superseded(partition, expected)
        return pointer

    def _move(self, partition: int, expected: int, meta: bytes, keys: Mapping[int, _PageKey]) -> None:
        try:
            pointer = self._check(partition, expected)
        except Superseded:
            for key in keys.values():
                self._pages.pop(key, None)
            raise
        self._pointers[partition] = _Pointer(expected + 1, meta, {**pointer.pages, **keys})

    def _remove_unreachable(self, partition: int, generation: int) -> None:
        """Only up to this generation: pages of the next one belong to a save that may still succeed."""
        if self._pointers[partition].generation != generation:
            return  # somebody has saved since, and removes what this save would
        reachable = set(self._pointers[partition].pages.values())
        for key in [k for k in self._pages if k.partition == partition and k.generation <= generation]:
            if key not in reachable:
                del self._pages[key]

"""A handler that remembers what it was given, for tests of what stands around a handler."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from shared.broker import Record, TopicPartition

WITHIN_S = 20.0

Offsets = Mapping[TopicPartition, int]


def ends(records: Sequence[Record]) -> dict[TopicPartition, int]:
    return {TopicPartition(r.topic, r.partition): r.offset + 1 for r in records}


@dataclass
class Recording:
    """A handler that remembers what it was given. `before` may raise or wait; `answers` says what may be committed."""

    before: Callable[[Sequence[Record]], Awaitable[None]] | None = None
    answers: Callable[[Sequence[Record]], Offsets] = ends
    loading: Callable[[], Awaitable[None]] | None = None
    starts: Offsets = field(default_factory=dict)
    closed: set[TopicPartition] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    batches: list[Sequence[Record]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def assigned(self, partitions: Collection[int]) -> Offsets:
        if self.loading:
            await self.loading()
        await self._note("assigned")
        return self.starts

    async def handle(self, records: Sequence[Record]) -> Offsets:
        await self._note("handle")
        if self.before:
            await self.before(records)
        self.batches.append(records)
        await self._note("handled")
        return self.answers(records)

    def full(self) -> Collection[TopicPartition]:
        return self.closed

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for batch in self.batches for record in batch]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S), self.changed:
            await self.changed.wait_for(true)

    async def _note(self, call: str) -> None:
        async with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

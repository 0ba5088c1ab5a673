"""What does this process read of a whole topic, for as long as it works?

In: a topic and a place to begin at. Out: everything from there on, once and in order of offset, a batch at a time; the
process is not ready before it has come to the end. Where reading ends by an error, the process leaves, and its
supervisor starts a fresh one, which reads the same again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka.errors import KafkaError

from shared.broker import OwnershipLost, Record, TopicPartition
from shared.kafka import Unread
from shared.runtime import answered
from shared.whole_topic import Place, Reading, WholeTopic


class Follower:
    """A reader of the topic for `shared.health`; what is made of the records is a subclass's. `joined`: the end of the
    topic has been reached."""

    def __init__(self, topic: WholeTopic) -> None:
        self.topic = topic
        self.joined = False
        self._reading: Reading | None = None
        self._following: asyncio.Task[None] | None = None

    def begin(self, first: Place, ends: Place) -> Place:
        """Where to begin, given the first record of each partition and what is behind the last: at the first."""
        return first

    async def take(self, records: Sequence[Record]) -> None:
        """The next records, never none. An error ends the reading."""
        raise NotImplementedError

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Entered when the end of the topic is reached. Raises KafkaError, OSError or TimeoutError before that."""
        bounds: list[Place] = []

        async def look() -> None:
            bounds[:] = await self.topic.bounds()

        await answered("Kafka", look, errors=(KafkaError, OSError, TimeoutError))
        first, ends = bounds
        async with self.topic.reading(self.begin(first, ends)) as self._reading:
            while not await self._reading.caught_up():
                await self._read(self._reading)
            self._following = asyncio.create_task(self._follow(self._reading))
            self.joined = True
            try:
                yield
            finally:
                self.joined = False
                self._following.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([self._following])

    async def ends(self) -> Place:
        """As the broker says. Raises KafkaError, OSError or TimeoutError."""
        if self._reading is None:
            raise TimeoutError("nothing is read")
        return await self._reading.ends()

    def broken(self) -> str | None:
        if self._following is None or not self._following.done() or self._following.cancelled():
            return None
        return f"reading {self.topic.name} has ended: {self._following.exception()!r}"

    async def unread(self) -> Mapping[TopicPartition, Unread]:
        if self._reading is None:
            raise OwnershipLost("nothing is read")
        return await self._reading.unread()

    async def _follow(self, reading: Reading) -> None:
        while True:
            await self._read(reading)

    async def _read(self, reading: Reading) -> None:
        if records := await reading.read():
            await self.take(records)

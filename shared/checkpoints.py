"""What a reader of the log remembers between two starts: one state per partition, replaced as a whole.

In: the pages that changed, under the generation they were computed from. Out: all pages of the newest generation. The
promise: a reader of the store sees one generation or the next, never a mixture, and of two owners who save from the
same generation one is told `Superseded`. Implemented by `memory_checkpoints` and `mongo_checkpoints`, held to one
contract suite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a partition. `pages` holds every page ever saved, by number, in its newest content."""

    generation: int  # from 1, one more with each save
    meta: bytes
    pages: Mapping[int, bytes]


class Superseded(Exception):  # noqa: N818 - the normal answer to a stale owner
    """Somebody else has saved since the state was loaded; nothing of this save remains."""

    def __init__(self, partition: int, expected: int) -> None:
        self.partition, self.expected = partition, expected
        super().__init__(f"the checkpoint of partition {partition} is no longer at generation {expected}")


class CheckpointStore(Protocol):
    """Checkpoints of one reader, by partition."""

    async def load(self, partition: int) -> Checkpoint | None:
        """None: nothing was ever saved."""

    async def save(self, partition: int, *, expected: int, meta: bytes, changed: Mapping[int, bytes]) -> int:
        """Replaces `meta` and the pages given; the others stay. `expected` is the generation it builds on, 0 for none.
        Answers the new generation. Raises Superseded; after any other error it may have happened or not. At most
        16 MiB a page."""

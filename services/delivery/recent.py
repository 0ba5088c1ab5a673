"""The newest messages, written once for all readers, in the order in which this process has read them.

In: records of the topic, in order of offset per partition. Out: entries by number, while they are kept. A reader holds
nothing but the number of its next entry: so a thousand readers cost no more memory than one, and who falls behind
further than is kept is seen at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.delivery.figures import PASSED_OVER
from services.delivery.message import Message, event_of, read_message
from services.delivery.place import Place, reaches, write_place


@dataclass(frozen=True, slots=True)
class Entry:
    """`resume`: this process's place behind the record; `event`: what a reader gets who has come along with it."""

    partition: int
    offset: int
    message: Message | None
    resume: str
    event: bytes


class Recent:
    """Entries `first` to `end - 1`. What is kept of each partition: from `start` up to, and without, `place`."""

    def __init__(self, start: Place, *, max_messages: int, max_bytes: int) -> None:
        self.start, self.place = list(start), list(start)
        self.first = self.end = 0
        self.resume = write_place(start)
        self._max_messages, self._max_bytes, self._bytes = max_messages, max_bytes, 0
        self._entries: dict[int, Entry] = {}

    def __getitem__(self, number: int) -> Entry:
        return self._entries[number]

    def append(self, partition: int, offset: int, value: bytes | None) -> None:
        message = read_message(value)
        if message is None:
            PASSED_OVER.inc()
        self.place[partition] = offset + 1
        self.resume = write_place(self.place)
        event = b"" if message is None else event_of(message, self.resume)
        self._entries[self.end] = Entry(partition, offset, message, self.resume, event)
        self.end += 1
        self._bytes += len(event)
        while self.end - self.first > self._max_messages or self._bytes > self._max_bytes:
            self._forget_first()

    def covers(self, place: Sequence[int]) -> bool:
        """Whether everything that a reader at this place lacks is kept."""
        return reaches(place, self.start)

    def lacking(self, place: Sequence[int]) -> int:
        """Number of the first entry that may be missing at a place that is covered. Those behind it that are not
        missing have offsets below the place's."""
        missing = sum(max(0, end - own) for own, end in zip(place, self.place, strict=True))
        number = self.end
        while missing and number > self.first:
            number -= 1
            entry = self._entries[number]
            missing -= entry.offset >= place[entry.partition]
        return number

    def _forget_first(self) -> None:
        gone = self._entries.pop(self.first)
        self.first += 1
        self._bytes -= len(gone.event)
        self.start[gone.partition] = gone.offset + 1

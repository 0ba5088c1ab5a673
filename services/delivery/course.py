"""How does one reader come from where it was to where everybody is, without a gap and without a copy of our making?

A reader begins at a place of its own. While it lacks something that is no longer kept, it is *behind*: it is given
records of the topic, read for it alone, up to a goal that the shared reading has passed already. As soon as all it
lacks is kept, it *joins*: it goes through what is kept, leaving out what it has. When it has come to the end of that,
it has *met* the others: its place is theirs, and from then on it gets the events that are written once for all.

Why nothing is lost or doubled: a reader's place is never ahead of the shared one, each record moves it by itself in
its partition, and joining is one step in which nobody else can move. No clock, no I/O.
"""

from collections.abc import Sequence

from services.delivery.message import Message, event_of, read_message
from services.delivery.place import Place, write_place
from services.delivery.recent import Recent
from services.delivery.wanted import Wanted
from shared.broker import Record

CHUNK_BYTES = 64 * 1024  # handed out at once; a connection holds about as much again


class Course:
    """`place` must not be ahead of what `recent` has read."""

    def __init__(self, recent: Recent, place: Place, wanted: Wanted) -> None:
        self._recent, self._wanted = recent, wanted
        self._place = list(place)
        self._next: int | None = None  # entry; none: behind
        self._met: str | None = None  # resume behind the last entry, once the others were met
        self.delivered = 0  # messages

    @property
    def resume(self) -> str:
        """From where the reader goes on if it is cut off now; what was not wanted lies behind it, too."""
        return self._met or write_place(self._place)

    @property
    def place(self) -> Place:
        """While it is behind: from where it is to be given records."""
        return tuple(self._place)

    @property
    def overtaken(self) -> bool:
        """It had met the others, and has not kept up with them."""
        return self._met is not None and self._next is not None and self._next < self._recent.first

    def join(self) -> bool:
        """Whether it needs no records of its own (any more)."""
        if self._met is None and self._next is not None and self._next < self._recent.first:
            self._next = None  # what is kept moved on before it could go through it
        if self._next is None and self._recent.covers(self._place):
            self._next = self._recent.lacking(self._place)
        return self._next is not None

    def goal(self) -> Place:
        """Up to where, and no further, a reader that is behind is to be given records."""
        return tuple(self._recent.place)

    def take(self, records: Sequence[Record]) -> list[bytes]:
        """Events of the records that were read for it, from its place on, in order of offset per partition."""
        return [event for r in records if (event := self._own(r.partition, r.offset, read_message(r.value)))]

    def live(self) -> list[bytes]:
        """Events that it lacks of what is kept, at most about CHUNK_BYTES; only after `join`, and not once
        overtaken."""
        events: list[bytes] = []
        size = 0
        while size < CHUNK_BYTES and (number := self._number()) is not None:
            if event := self._shared(number) if self._met else self._joining(number):
                events.append(event)
                size += len(event)
        return events

    def _number(self) -> int | None:
        """The next entry's; none at the end, where all readers meet."""
        assert self._next is not None
        if self._next < self._recent.end:
            self._next += 1
            return self._next - 1
        self._met = self._met or self._recent.resume
        return None

    def _shared(self, number: int) -> bytes | None:
        entry = self._recent[number]
        self._met = entry.resume
        if entry.message is None or not self._wanted(entry.message):
            return None
        self.delivered += 1
        return entry.event

    def _joining(self, number: int) -> bytes | None:
        entry = self._recent[number]
        if entry.offset < self._place[entry.partition]:
            return None
        return self._own(entry.partition, entry.offset, entry.message)

    def _own(self, partition: int, offset: int, message: Message | None) -> bytes | None:
        self._place[partition] = offset + 1
        if message is None or not self._wanted(message):
            return None
        self.delivered += 1
        return event_of(message, write_place(self._place))

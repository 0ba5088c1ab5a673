"""What one partition may decide next: its inbox in order, and the facts of others when their time has come.

In `wall` time facts of others are taken as they are read. In `history` they wait: after its tick T a service reads no
further in the inbox until all three services have put tick T into the log; then come the others' facts before T,
sorted, and only then what stands behind the tick. So the outcome depends on the file and not on who is fast. Everything
here is working memory: after an error it is thrown away, and what is committed is enough to build it again.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from shared.broker import Record, TopicPartition
from shared.chain import question_of_fact
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.envelope import Event
from shared.dead_letters import DeadLetter
from shared.inbox import InboxItem, Put, Tick
from shared.settings import TimeSource


@dataclass(slots=True)
class Turn:
    """What a partition contributes to the next step, in order, and what may be committed once that is done."""

    partition: int
    items: list[InboxItem] = field(default_factory=list)
    done: dict[TopicPartition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Held:
    offset: int
    event: Event
    record: Record

    @property
    def place(self) -> tuple[datetime, str, str, int]:
        return self.event.time, self.event.producer, self.event.subject, self.event.sequence


class PartitionRounds:
    """The order of decisions of one partition of one service."""

    def __init__(self, partition: int, inbox: TopicPartition, log: TopicPartition, time: TimeSource) -> None:
        self.partition, self.inbox, self.log = partition, inbox, log
        self._history = time is TimeSource.HISTORY
        self._queue: deque[tuple[int, InboxItem]] = deque()
        self._held: list[_Held] = []
        self._ticks: dict[
            str, tuple[datetime, int]
        ] = {}  # service -> its highest tick in the log, and where that first stood
        self._waiting: Tick | None = None
        self._log_next: int | None = None

    @property
    def queued(self) -> int:
        return len(self._queue)

    def put(self, offset: int, item: InboxItem) -> None:
        """The next record of the inbox."""
        self._queue.append((offset, item))

    def put_fact(self, offset: int, event: Event, record: Record) -> None:
        """A fact of another service that is a cause here."""
        self._held.append(_Held(offset, event, record))

    def put_tick(self, offset: int, service: str, at: datetime) -> None:
        """A service's tick in the log. Copies and older ones change nothing."""
        if service not in self._ticks or self._ticks[service][0] < at:
            self._ticks[service] = at, offset

    def read_log_to(self, next_offset: int) -> None:
        self._log_next = next_offset

    def take(self) -> Turn | None:
        """The next turn; none while there is nothing to do but wait."""
        turn = Turn(self.partition)
        if self._history:
            if self._waiting is not None and not self._finish_round(turn, self._waiting):
                return None
        else:
            self._take_facts(turn, self._held, at=None)
            self._held = []
        self._take_inbox(turn)
        self._commit_log(turn)
        return turn if turn.items or turn.done else None

    def _finish_round(self, turn: Turn, tick: Tick) -> bool:
        if any(
            self._ticks.get(s, (datetime.min.replace(tzinfo=tick.at.tzinfo), 0))[0] < tick.at for s in DOMAIN_SERVICES
        ):
            return False
        due = sorted((held for held in self._held if held.event.time < tick.at), key=lambda held: held.place)
        self._held = [held for held in self._held if held.event.time >= tick.at]
        self._take_facts(turn, due, at=tick.at)
        turn.done[self.inbox] = tick.record.offset + 1
        self._waiting = None
        return True

    def _take_facts(self, turn: Turn, facts: list[_Held], *, at: datetime | None) -> None:
        for held in facts:
            turn.items.append(
                Put(question_of_fact(held.event, at or held.event.time, held.record.value or b""), held.record)
            )

    def _take_inbox(self, turn: Turn) -> None:
        for offset, item in self._until_tick():
            turn.items.append(item)
            if self._history and isinstance(item, Tick):
                self._waiting = item
            else:
                turn.done[self.inbox] = offset + 1

    def _until_tick(self) -> Iterator[tuple[int, InboxItem]]:
        while self._queue:
            offset, item = self._queue.popleft()
            yield offset, item
            if isinstance(item, Tick):
                return

    def _commit_log(self, turn: Turn) -> None:
        """Never past what is held, nor past the newest tick of each service: they must be found again after a
        restart."""
        if self._log_next is None:
            return
        places = [held.offset for held in self._held]
        if self._history:
            if len(self._ticks) < len(DOMAIN_SERVICES):
                return
            places += [offset for _, offset in self._ticks.values()]
        turn.done[self.log] = min([self._log_next, *places])
        self._log_next = None


def dead_letters_of(turn: Turn) -> list[DeadLetter]:
    return [item for item in turn.items if isinstance(item, DeadLetter)]

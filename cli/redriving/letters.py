"""Which dead letters may go back to the inbox they came from, and what keeps the others?

In: dead letters, what was sent again before, what is recorded by now. Out: one `Candidate` per letter, in order of
offset: where its bytes would stand, or an obstacle in words. Pure. Promise: what goes back is what was set aside, byte
for byte; the same reading as behind the inbox has taken it; and nothing goes back twice.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cli.books.channels import Cause
from cli.books.findings import Place
from cli.books.inbox_book import REDRIVEN_FROM
from cli.dead_letters import Letter
from shared.broker import Outgoing
from shared.chain import Question
from shared.contracts.catalogue import DOMAIN_SERVICES, inbox_types
from shared.contracts.values import to_micros
from shared.dead_letters import DeadLetter, original_headers
from shared.inbox import InboxReader, Put, Tick
from shared.settings import TimeSource
from shared.topics import inbox, partition_of


@dataclass(frozen=True, slots=True)
class Candidate:
    """`obstacle`: why it is not sent. `settled`: nothing needs to be done about it."""

    letter: Letter
    partition: int = -1
    question: Question | None = None
    obstacle: str | None = None
    settled: bool = False

    @property
    def place(self) -> Place:
        return place_of(self.letter)

    @property
    def cause(self) -> Cause | None:
        return None if self.question is None else (self.question.customer, self.question.cause_id)

    def record(self) -> Outgoing:
        """Its bytes under its key, with its headers, saying where they stood before."""
        kept = ((name, value) for name, value in original_headers(self.letter.headers) if name != REDRIVEN_FROM)
        headers = (*kept, (REDRIVEN_FROM, str(self.place).encode()))
        return Outgoing(self.letter.topic, self.partition, self.letter.key, self.letter.value, headers)


@dataclass(frozen=True, slots=True)
class _Again:
    """The record as it would be read again."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def place_of(letter: Letter) -> Place:
    return Place(letter.topic, letter.partition, letter.offset)


class Examiner:
    """`now`: when the records would arrive; it does not matter in history time."""

    def __init__(self, *, partitions: int, time: TimeSource, now: datetime) -> None:
        self._partitions, self._now_ms = partitions, to_micros(now) // 1000
        self._readers = {s: InboxReader(inbox_types(s), partitions=partitions, time=time) for s in DOMAIN_SERVICES}

    def examine(self, letters: Iterable[Letter], redriven: Collection[Place]) -> list[Candidate]:
        """In order of topic, partition and offset."""
        known = frozenset(redriven)
        return [self._examine(letter, known) for letter in sorted(letters, key=place_of)]

    def _examine(self, letter: Letter, redriven: Collection[Place]) -> Candidate:
        if letter.service not in self._readers or letter.topic != inbox(letter.service):
            return Candidate(letter, obstacle="did not come from an inbox")
        if place_of(letter) in redriven:
            return Candidate(letter, obstacle="was sent again before", settled=True)
        partition = self._home_of(letter)
        headers = original_headers(letter.headers)
        again = _Again(letter.topic, partition, letter.offset, self._now_ms, letter.key, letter.value, headers)
        match self._readers[letter.service].read(again):
            case Put(question):
                return Candidate(letter, partition, question)
            case DeadLetter(code=code, problems=problems):
                reason = "; ".join(f"{p.path}: {p.reason}" if p.path else p.reason for p in problems)
                return Candidate(letter, obstacle=f"would be refused again: {code}: {reason}")
            case Tick():
                return Candidate(letter, obstacle="is a tick; its time has passed", settled=True)

    def _home_of(self, letter: Letter) -> int:
        """The partition of the customer that its key names."""
        try:
            return letter.partition if letter.key is None else partition_of(letter.key.decode(), self._partitions)
        except UnicodeDecodeError:
            return letter.partition


def without_known(candidates: Iterable[Candidate], digests: Mapping[Cause, str | None]) -> Iterator[Candidate]:
    """`digests`: of the causes that are recorded by now. A cause goes back once."""
    known = dict(digests)
    for candidate in candidates:
        question, cause = candidate.question, candidate.cause
        if question is None or cause is None:
            yield candidate
        elif cause not in known:
            known[cause] = question.digest
            yield candidate
        elif known[cause] == question.digest:
            how = "is recorded by now" if cause in digests else "is sent already, by an earlier copy"
            yield replace(candidate, obstacle=how, settled=True)
        else:
            reason = f"{cause[1]} was sent before with other content; it needs a new id"
            yield replace(candidate, obstacle=f"would be refused again: id-used-again: {reason}")

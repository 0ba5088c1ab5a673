"""Do first copies stand in a topic in order and without a gap, and are all copies the same?

In: the records of the log, or of the alerts, in order of offset per partition. Out: the first copy of each sequence per
producer and customer, and whatever stands where it should not. Contents are kept as fingerprints.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from cli.books.findings import Findings, Place
from shared.broker import Record
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.envelope import Unreadable
from shared.contracts.segments import TYPE_BEGINS
from shared.contracts.tick import read_tick
from shared.contracts.values import parse_time

NOT_A_FACT = "is no fact or alert about a customer"


class Chain(NamedTuple):
    """What is numbered without a gap."""

    producer: str  # a service; of alerts "analytics/<rules>"
    customer: str


class Copy(NamedTuple):
    fingerprint: bytes
    partition: int
    offset: int


class _Tick(NamedTuple):
    """The highest of a service, and where it first stood."""

    at: datetime
    offset: int


@dataclass(frozen=True, slots=True)
class Reaction:
    """A fact that is a cause for other services."""

    type: str
    producer: str
    customer: str
    id: str
    time: str
    place: Place


class _Envelope(msgspec.Struct):
    id: str
    type: str
    subject: str
    time: str
    sequence: str = ""


_decode = msgspec.json.Decoder(_Envelope).decode


def fingerprint(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=16).digest()


class LogBook:
    """`causes`: types of facts that are remembered one by one in `reactions`."""

    def __init__(self, findings: Findings, causes: frozenset[str] = frozenset()) -> None:
        self._findings, self._causes = findings, causes
        self._partitions: dict[str, int] = {}
        self._ticks: dict[int, dict[str, _Tick]] = defaultdict(dict)
        self.chains: dict[Chain, dict[int, Copy]] = defaultdict(dict)
        self.copies: Counter[str] = Counter()  # by producer, beyond the first
        self.reactions: list[Reaction] = []

    def take(self, record: Record) -> None:
        value = record.value or b""
        if record.key is None:
            self._take_tick(record, value)
            return
        place = Place(record.topic, record.partition, record.offset)
        try:
            envelope = _decode(value)
            if envelope.type.startswith(TYPE_BEGINS):
                return  # about a segment: it has no sequence, and nobody shows it
            sequence = int(envelope.sequence)
        except (ValueError, msgspec.MsgspecError):
            self._findings.add(f"{place} {NOT_A_FACT}")
            return
        producer = envelope.id.removesuffix(f"/{envelope.subject}/{sequence}")
        if producer == envelope.id or record.key != envelope.subject.encode():
            self._findings.add(f"{place} {NOT_A_FACT}: its id, its subject and its key do not agree")
            return
        self._check_partition(envelope.subject, place)
        if self._take_fact(Chain(producer, envelope.subject), sequence, value, place) and envelope.type in self._causes:
            self.reactions.append(
                Reaction(envelope.type, producer, envelope.subject, envelope.id, envelope.time, place)
            )

    def is_ahead(self, fact: Reaction) -> bool:
        """Whether no round can have decided it: its time is not over, or no tick of all three has come behind it."""
        ticks = self._ticks[fact.place.partition]
        if len(ticks) < len(DOMAIN_SERVICES):
            return True
        clock, complete = min(t.at for t in ticks.values()), max(t.offset for t in ticks.values())
        return parse_time(fact.time) >= clock or fact.place.offset > complete

    def _take_fact(self, chain: Chain, sequence: int, raw: bytes, place: Place) -> bool:
        """Whether it is a first copy."""
        known, copy = self.chains[chain], Copy(fingerprint(raw), place.partition, place.offset)
        if sequence in known:
            self.copies[chain.producer] += 1
            if known[sequence].fingerprint != copy.fingerprint:
                self._findings.add(f"{place} differs from the first copy of {id_of(chain, sequence)}")
            return False
        last = next(reversed(known), 0)
        if sequence != last + 1:
            self._findings.add(f"{place} holds {id_of(chain, sequence)} behind {last}")
        known[sequence] = copy
        return True

    def _take_tick(self, record: Record, value: bytes) -> None:
        try:
            tick = read_tick(value)
        except Unreadable:
            return  # nobody's clock moves by it
        if tick is not None and tick.at is not None:
            ticks, service = self._ticks[record.partition], tick.source.removeprefix("tenure/")
            if service not in ticks or ticks[service].at < tick.at:
                ticks[service] = _Tick(tick.at, record.offset)

    def _check_partition(self, customer: str, place: Place) -> None:
        if self._partitions.setdefault(customer, place.partition) != place.partition:
            self._findings.add(f"{place} is about {customer}, who stands in partition {self._partitions[customer]}")


def id_of(chain: Chain, sequence: int) -> str:
    return f"{chain.producer}/{chain.customer}/{sequence}"


Last = Mapping[str, Mapping[str, int]]
"""Customer -> producer -> the last sequence that the projection shows."""

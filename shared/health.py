"""Does this process make progress, and should it be given work? Not whether it answers: a stalled reader answers, too.

`/livez` is red when a batch runs too long, when records wait and none of their partition is read though its turn has
come, or when a reader can never read again: a fresh process would do better. A dependency that is away does not turn it
red, for there a restart helps nobody; it turns `/readyz` red.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import structlog
from aiokafka.errors import KafkaError

from shared.broker import OwnershipLost, TopicPartition
from shared.consumption import Consumption
from shared.kafka import Unread
from shared.telemetry import LAG, READY

log = structlog.get_logger()

TURNS = 4  # batches per partition after which it must have had one: who is far behind serves one after the other

WAITS: ContextVar[dict[str, str] | None] = ContextVar("waits", default=None)  # `Health.waits` of this process


def waits_for(what: str, reason: str | None) -> None:
    """Why a dependency does not answer at the start of this process; none: it has answered."""
    if (waits := WAITS.get()) is not None:
        waits.pop(what, None)
        waits.update({what: reason} if reason else {})


class Place(NamedTuple):
    """How far a partition is read, since when it stands there with work to do, and how many batches there were then."""

    unread: Unread
    since: float
    batches: int


class Reads(Protocol):
    """What reads: `shared.kafka.Reader`."""

    joined: bool

    def broken(self) -> str | None: ...
    async def unread(self) -> Mapping[TopicPartition, Unread]: ...


@dataclass(slots=True)
class Watched:
    """One reader under observation. One without a group has no consumption: it answers for its own handling."""

    group: str
    reader: Reads
    consumption: Consumption | None
    places: dict[TopicPartition, Place] = field(default_factory=dict)
    unreachable: str | None = None

    @property
    def batches(self) -> int:
        return self.consumption.batches if self.consumption else 0


class Health:
    """What is known of the process. `stalled_after_s`: longer than any batch may take."""

    def __init__(self, *, stalled_after_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._stalled_after_s, self._now = stalled_after_s, now
        self.watched: list[Watched] = []
        self.phase: str | None = "starting"  # what the process does instead of its work; none: nothing
        self.unready: Callable[[], Sequence[str]] = list  # reasons of the service itself
        self.waits: dict[str, str] = {}  # dependency -> why it does not answer

    async def look(self) -> None:
        """Asks Kafka how far every reader is."""
        await asyncio.gather(*map(self._look_at, self.watched))

    def dead(self) -> list[str]:
        """Why the process should be replaced; empty while it lives, and while it stops: that has a time of its own, and
        readers end before others, whose batch is still under way."""
        if self.phase == "stopping":
            return []
        return [reason for watched in self.watched for reason in self._dead(watched)]

    def busy(self) -> list[str]:
        """Why the process is not ready; empty when it is."""
        own = [self.phase, *(f"{what} is waited for: {why}" for what, why in self.waits.items())] if self.phase else []
        reasons = [*own, *(reason for watched in self.watched for reason in self._busy(watched)), *self.unready()]
        READY.set(not reasons)
        return reasons

    async def _look_at(self, watched: Watched) -> None:
        try:
            places = await watched.reader.unread()
        except (KafkaError, TimeoutError, OwnershipLost) as error:
            if watched.unreachable is None:
                log.warning("kafka_does_not_answer", group=watched.group, error=str(error) or repr(error))
            watched.unreachable = str(error) or repr(error)
            return
        if watched.unreachable is not None:
            log.info("kafka_answers_again", group=watched.group)
        watched.unreachable = None
        for gone in watched.places.keys() - places.keys():
            LAG.remove(*gone)
        watched.places = {tp: self._place(watched, watched.places.get(tp), unread) for tp, unread in places.items()}
        for tp, unread in places.items():
            LAG.labels(*tp).set(unread.lag)

    def _place(self, watched: Watched, before: Place | None, unread: Unread) -> Place:
        if before and before.unread.offset == unread.offset and before.unread.lag > 0 and not unread.paused:
            return before._replace(unread=unread)
        return Place(unread, self._now(), watched.batches)

    def _dead(self, watched: Watched) -> list[str]:
        reasons = [broken] if (broken := watched.reader.broken()) else []
        begun, now = watched.consumption.busy_since if watched.consumption else None, self._now()
        if begun is not None and now - begun > self._stalled_after_s:
            reasons.append(f"{watched.group}: a batch has been running for {now - begun:.0f} s")
        for tp, (unread, since, batches) in watched.places.items():
            waited_its_turn = watched.batches == batches or watched.batches - batches > TURNS * len(watched.places)
            if unread.lag > 0 and now - since > self._stalled_after_s and waited_its_turn:
                waits = f"{unread.lag} records of {tp.topic}/{tp.partition} have not been read"
                reasons.append(f"{watched.group}: {waits} for {now - since:.0f} s")
        return reasons

    def _busy(self, watched: Watched) -> list[str]:
        reasons = [] if watched.reader.joined else [f"{watched.group}: no partitions are assigned and loaded"]
        if watched.consumption and watched.consumption.failures:
            reasons.append(f"{watched.group}: a batch has failed and is tried again")
        if watched.unreachable:
            reasons.append(f"{watched.group}: Kafka does not answer: {watched.unreachable}")
        return reasons

"""In which order a partition of the log is judged, and how far: the clock, what is held until it passes, and the grid.

In: facts and ticks as they are read. Out: steps: a fact to be judged, an instant of the grid, or a stop, at which the
partition speaks for the whole base or hears of it, and which it passes only when what is to be heard is there. The
clock is the lowest tick of the three domain services. In `wall` time facts are judged as they stand in the log and
nothing is held. In `history` what lies below the clock is sorted by time and by the channel's event id, never before
its predecessor of the same producer and customer; the rest is held. So the steps depend on the file, not on who was
fast.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.analytics.population.part import DELAY
from services.analytics.state import WEEK
from shared.contracts.catalogue import DOMAIN_SERVICES

T = TypeVar("T")
Chain = tuple[str, str]  # producer, customer
Place = tuple[int, str, str]  # micros, the event's id, its source
EVERY_INSTANT = 1  # micros, as a grid: of a history, where what comes before an instant is there when it is judged
AHEAD = "|"  # as the id of what is to be judged ahead of everything at its instant, because it concerns all customers
Held = tuple[int, str, str, int, Chain, T]
"""A place, flat; the offset below which nothing may be committed; whose it is. A plain tuple, because a heap compares
some twenty times for each fact; no offset comes twice, so neither chain nor fact is ever compared."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A point of the grid, micros: judge what has fallen due by then."""

    at: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A point at which the partition speaks for the whole base, or hears of it, micros: everything before it has been
    judged."""

    at: int


class Order(Generic[T]):
    """The order of one partition's facts. `next_due`: the earliest instant at which time alone may change anything,
    from the core. `may_pass`: whether what is to be heard at a stop is there."""

    def __init__(self, *, grid: int, next_due: Callable[[], int | None], may_pass: Callable[[int], bool]) -> None:
        self._grid, self._next_due, self._may_pass = grid, next_due, may_pass
        self.stop: int | None = None  # the next one; none until the clock has begun
        self._heap: list[Held[T]] = []
        self._places: dict[Chain, Place] = {}  # of what is held
        self.ticks: dict[str, int] = {}
        self.clock = 0  # micros; 0 until all three services have spoken
        self.judged = 0  # the grid has been judged up to here, micros
        self.popped = 0  # the place of what was held and came last

    def tick(self, service: str, at: int) -> None:
        """Copies and older ones change nothing."""
        self.ticks[service] = max(at, self.ticks.get(service, 0))
        self.clock = min(self.ticks.get(service, 0) for service in DOMAIN_SERVICES)

    def resume(self, ticks: Mapping[str, int], judged: int, stop: int | None) -> None:
        """As it stood when it was saved; what was held is read again."""
        self.judged, self.stop = judged, stop
        for service, at in ticks.items():
            self.tick(service, at)

    def hold(self, chain: Chain, at: int, input_id: str, offset: int, fact: T, *, derived: bool) -> None:
        """The next fact of a producer and customer (`chain`). A derived one has no place of its own: it follows its
        predecessor."""
        source, _, id_ = input_id.partition("|")
        own = (0, "", "") if derived else (at, id_, source)
        place = max(own, self._places.get(chain, own))
        self._places[chain] = place
        heapq.heappush(self._heap, (*place, offset, chain, fact))

    def steps(self) -> Iterator[T | Instant | Stop]:
        """Everything that can be judged now. The caller does each step before it asks for the next."""
        if not self.clock:
            return
        if self.stop is None:
            self.stop = self._first_stop()
        while True:
            at = self._heap[0][0] if self._heap else self.clock
            if self.stop <= min(at, self.clock):
                yield from self._instants(self.stop - 1)
                if not self._may_pass(self.stop):
                    return
                passed, self.stop = self.stop, next_stop(self.stop)
                yield Stop(passed)
            elif at < self.clock:
                yield from self._instants(at)
                yield self._pop()
            else:
                yield from self._instants(self.clock)
                return

    @property
    def is_waiting(self) -> bool:
        """For what is to be heard at a stop that the clock has come to."""
        return self.stop is not None and self.stop <= self.clock and not self._may_pass(self.stop)

    def held_from(self) -> int | None:
        """The lowest offset still held."""
        return min((offset for _, _, _, offset, _, _ in self._heap), default=None)

    def _first_stop(self) -> int:
        """The first week that begins after something has happened; where nothing has, the one that has just begun, so
        that nobody waits to hear it."""
        if self._heap and self._heap[0][0] < self.clock:
            return (self._heap[0][0] // WEEK + 1) * WEEK
        return self.clock // WEEK * WEEK

    def _pop(self) -> T:
        at, id_, source, _, chain, fact = heapq.heappop(self._heap)
        self.popped = at
        if self._places.get(chain) == (at, id_, source):
            del self._places[chain]  # nothing of this chain is held any more
        return fact

    def _instants(self, until: int) -> Iterator[Instant]:
        """Points of the grid up to and including `until` at which something may be due. The others are passed over."""
        while (due := self._next_due()) is not None and due <= until:
            at = max(-(-due // self._grid), self.judged // self._grid + 1) * self._grid
            if at > until:
                break
            self.judged = at
            yield Instant(at)
        self.judged = max(self.judged, until // self._grid * self._grid)


def next_stop(at: int) -> int:
    """A week's beginning, when the partition speaks, is followed by the instant from which the answer counts."""
    return at + DELAY if at % WEEK == 0 else at - DELAY + WEEK

"""In which order a partition of the log is judged, and how far: the clock, what is held until it passes, and the grid.

In: facts and ticks as they are read. Out: steps, either an event to be judged or an instant of the grid. The clock is
the lowest tick of the three domain services. In `wall` time events are judged as they stand in the log. In `history`
what lies below the clock is sorted by time and by the channel's event id, never before its predecessor of the same
producer and customer; the rest is held. So the steps depend on the file, not on who was fast.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from shared.contracts.catalogue import DOMAIN_SERVICES

Place = tuple[int, str, str]  # micros, the event's id, its source


@dataclass(order=True, frozen=True, slots=True)
class Held:
    """A fact below which nothing may be committed; `what` is the reader's own."""

    place: Place
    offset: int
    chain: tuple[str, str] = field(compare=False)  # producer, customer
    what: object = field(compare=False)


@dataclass(frozen=True, slots=True)
class Instant:
    """A point of the grid, micros: judge what fell due before it."""

    at: int


class Order:
    """The order of one partition. `next_due`: the earliest instant at which time alone may change anything, from the
    core."""

    def __init__(self, *, history: bool, grid: int, next_due: Callable[[], int | None]) -> None:
        self._history, self._grid, self._next_due = history, grid, next_due
        self._heap: list[Held] = []
        self._places: dict[tuple[str, str], Place] = {}  # of what is held
        self._arrived: list[Held] = []  # wall: to be judged at once
        self.ticks: dict[str, int] = {}
        self.judged = 0  # the grid has been judged up to here, micros

    @property
    def clock(self) -> int:
        """Micros; 0 until all three services have spoken."""
        return min((self.ticks.get(service, 0) for service in DOMAIN_SERVICES), default=0)

    def tick(self, service: str, at: int) -> None:
        """Copies and older ones change nothing."""
        self.ticks[service] = max(at, self.ticks.get(service, 0))

    def put(self, chain: tuple[str, str], at: int, input_id: str, offset: int, what: object, *, derived: bool) -> None:
        """The next fact of a producer and customer (`chain`). A derived one has no place of its own: it follows its
        predecessor."""
        if not self._history:
            self._arrived.append(Held((at, "", ""), offset, chain, what))
            return
        source, _, id_ = input_id.partition("|")
        own = (0, "", "") if derived else (at, id_, source)
        place = max(own, self._places.get(chain, own))
        self._places[chain] = place
        heapq.heappush(self._heap, Held(place, offset, chain, what))

    def steps(self) -> Iterator[Held | Instant]:
        """Everything that can be judged now. The caller does each step before it asks for the next."""
        arrived, self._arrived = self._arrived, []
        yield from arrived
        while self._heap and self._heap[0].place[0] < self.clock:
            yield from self._instants(self._heap[0].place[0])
            yield self._pop()
        yield from self._instants(self.clock)

    def _pop(self) -> Held:
        held = heapq.heappop(self._heap)
        if self._places.get(held.chain) == held.place:
            del self._places[held.chain]  # nothing of this chain is held any more
        return held

    def held_from(self) -> int | None:
        """The lowest offset still held."""
        return min((held.offset for held in self._heap), default=None)

    def _instants(self, until: int) -> Iterator[Instant]:
        """Points of the grid up to and including `until` at which something may be due. The others are passed over."""
        while (due := self._next_due()) is not None:
            at = max(-(-due // self._grid), self.judged // self._grid + 1) * self._grid
            if at > until:
                break
            self.judged = at
            yield Instant(at)
        self.judged = max(self.judged, until // self._grid * self._grid)

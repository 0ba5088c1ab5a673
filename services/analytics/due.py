"""When is a customer to be looked at though nothing happens? A queue by due time.

An entry may be too early: it costs a look at the customer when its time comes, and spares one now. It is never too
late.
"""

import heapq

from services.analytics.state import NEVER


class Due:
    """Of customers, by id."""

    def __init__(self) -> None:
        self._queue: list[tuple[int, str]] = []  # an entry counts only if `_queued` says the same
        self._queued: dict[str, int] = {}

    def put(self, customer: str, due: int) -> None:
        """Micros; what is awaited sooner stays."""
        if due < self._queued.get(customer, NEVER):
            self._queued[customer] = due
            heapq.heappush(self._queue, (due, customer))

    def earliest(self) -> int | None:
        while self._queue:
            due, customer = self._queue[0]
            if self._queued.get(customer) == due:
                return due
            heapq.heappop(self._queue)
        return None

    def take(self, instant: int) -> list[str]:
        """Who fell due up to an instant, in order of id; nothing is awaited of them any more."""
        fallen = []
        while self._queue and self._queue[0][0] <= instant:
            due, customer = heapq.heappop(self._queue)
            if self._queued.get(customer) == due:
                del self._queued[customer]
                fallen.append(customer)
        return sorted(fallen)

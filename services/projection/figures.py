"""How does the whole base stand, in figures?

Every customer's view is read for it, so nothing is kept that could drift from the views. An answer is given again for
a while, so that whoever asks often does not occupy the database.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from services.projection.answers import Summary
from services.projection.store import TimelineStore

REUSED = 9  # times as long as the counting took: so it takes at most a tenth of the time


class Figures:
    """Counts at most once at a time, however many ask."""

    def __init__(self, store: TimelineStore, *, monotonic: Callable[[], float]) -> None:
        self._store, self._monotonic = store, monotonic
        self._counting = asyncio.Lock()
        self._last: Summary | None = None
        self._good_until = 0.0

    async def summary(self) -> Summary:
        async with self._counting:
            begun = self._monotonic()
            if self._last is None or begun >= self._good_until:
                self._last = await summarise(self._store)
                ended = self._monotonic()
                self._good_until = ended + REUSED * (ended - begun)
            return self._last


async def summarise(store: TimelineStore) -> Summary:
    customers = lapsed = complaints = 0
    entries: Counter[str] = Counter()
    states: Counter[str] = Counter()
    signs: Counter[str] = Counter()
    async for view in store.views():
        customers += 1
        lapsed += view.lapse.lapsed
        complaints += len(view.complaints.open)
        entries.update(view.counts)
        if view.alert is not None:
            states[view.alert.state] += 1
        if view.open_alert is not None:
            signs.update(view.open_alert.signs)
    return Summary(
        customers=customers,
        entries=dict(sorted(entries.items())),
        alerts_by_state=dict(sorted(states.items())),
        open_alerts_by_sign=dict(sorted(signs.items())),
        lapsed=lapsed,
        open_complaints=complaints,
    )

"""How far has what was sent come through, and has all of it arrived?

Asks the read API, and analytics for its clock; nothing here is taken from the sender. All has arrived when the clock of
every partition has reached the end of the history, every event stands on a timeline, and nothing more comes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from shared.contracts.analytics import AttritionAlertRaised
from shared.contracts.catalogue import RECORDED_AS
from shared.contracts.values import parse_time

LOOK_S = 2.0  # between two looks; each costs the read API a scan of all customers
STALLED_S = 90.0  # if nothing has moved for so long, something is wrong
RECORDED = frozenset(fact.TYPE for fact in RECORDED_AS.values())


class Stalled(Exception):  # noqa: N818 - an outcome the demo has to tell
    """Nothing moves any more, and not all has arrived."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One look. `clock`: everything before it has been judged; none before the first tick."""

    clock: datetime | None
    recorded: int  # channels' events that stand on a timeline
    entries: int  # all there is on timelines, alerts among them
    alerts: int  # raised so far


@dataclass(frozen=True, slots=True)
class Observer:
    """`api`: the read API, with its key. `analytics`: address of that process."""

    api: httpx.Client
    analytics: str

    def look(self) -> Arrival:
        """Raises httpx.HTTPError, CliError."""
        entries: dict[str, int] = self.api.get("/v1/summary").json()["entries"]
        return Arrival(
            clock=self.clock(),
            recorded=sum(count for type_, count in entries.items() if type_ in RECORDED),
            entries=sum(entries.values()),
            alerts=entries.get(AttritionAlertRaised.TYPE, 0),
        )

    def clock(self) -> datetime | None:
        at: str | None = self.api.get(f"{self.analytics}/v1/clock").json()["clock"]
        return None if at is None else parse_time(at)


def await_all(
    observer: Observer,
    *,
    sent: int,
    end: datetime,
    on_look: Callable[[Arrival], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Arrival:
    """Returns when `sent` events of a history up to `end` have arrived. Raises Stalled, and what `on_look` raises."""
    before, still = observer.look(), 0
    while True:
        on_look(before)
        sleep(LOOK_S)
        now = observer.look()
        still = still + 1 if now == before else 0
        if still and now.recorded == sent and now.clock is not None and now.clock >= end:
            return now
        if still * LOOK_S >= STALLED_S:
            raise Stalled(_stalled(now, sent))
        before = now


def _stalled(now: Arrival, sent: int) -> str:
    at = "at its beginning" if now.clock is None else f"at {now.clock:%Y-%m-%d}"
    return (
        f"Nothing has moved for {STALLED_S:.0f} s: time stands {at}, {now.recorded:,} of {sent:,} events are recorded"
    )

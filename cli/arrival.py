"""How far has what was sent come through, and has all of it arrived?

Asks the read API, analytics for its clock, and every process for how much it has read and written. All has arrived when
the clock of every partition has reached the end of the history, every event stands on a timeline, whatever anybody
wrote has been read by everybody who reads it, and a second look finds the same.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from shared.contracts.analytics import AttritionAlertRaised
from shared.contracts.catalogue import DOMAIN_SERVICES, RECORDED_AS
from shared.contracts.values import parse_time
from shared.topics import ALERTS, CUSTOMER_EVENTS, inbox

LOOK_S = 2.0  # between two looks; each costs the read API a scan of all customers
STALLED_S = 90.0  # if nothing has moved for so long, something is wrong
RECORDED = frozenset(fact.TYPE for fact in RECORDED_AS.values())
READS: Mapping[str, tuple[str, ...]] = {
    **{service: (inbox(service), CUSTOMER_EVENTS) for service in DOMAIN_SERVICES},
    "analytics": (CUSTOMER_EVENTS,),
    "projection": (CUSTOMER_EVENTS, ALERTS),
}
_FLOW = re.compile(r'^tenure_records_(consumed|published)_total\{topic="([^"]+)"\} (\S+)', re.MULTILINE)


class Stalled(Exception):  # noqa: N818 - an outcome the demo has to tell
    """Nothing moves any more, and not all has arrived."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One look. `clock`: everything before it has been judged; none before the first tick."""

    clock: datetime | None
    recorded: int  # channels' events that stand on a timeline
    entries: int  # all there is on timelines, alerts among them
    alerts: int  # raised so far
    unread: int  # records that somebody has still to read


@dataclass(frozen=True, slots=True)
class Observer:
    """`api`: the read API, with its key. `processes`: name -> address, the gateway and those of READS."""

    api: httpx.Client
    processes: Mapping[str, str]

    def look(self) -> Arrival:
        """Raises httpx.HTTPError, CliError."""
        unread = self._unread()
        entries: dict[str, int] = self.api.get("/v1/summary").json()["entries"]
        clock: str | None = self.api.get(f"{self.processes['analytics']}/v1/clock").json()["clock"]
        return Arrival(
            clock=None if clock is None else parse_time(clock),
            recorded=sum(count for type_, count in entries.items() if type_ in RECORDED),
            entries=sum(entries.values()),
            alerts=entries.get(AttritionAlertRaised.TYPE, 0),
            unread=unread,
        )

    def _unread(self) -> int:
        flows = {name: self._flow(address) for name, address in self.processes.items()}
        written: Counter[str] = Counter()
        for _, published in flows.values():
            written.update(published)
        return sum(max(0, written[topic] - flows[name][0][topic]) for name, topics in READS.items() for topic in topics)

    def _flow(self, address: str) -> tuple[Counter[str], Counter[str]]:
        """Records by topic: read, written."""
        read, written = Counter[str](), Counter[str]()
        for way, topic, count in _FLOW.findall(self.api.get(f"{address}/metrics").text):
            (read if way == "consumed" else written)[topic] += int(float(count))
        return read, written


def await_all(
    look: Callable[[], Arrival],
    *,
    sent: int,
    end: datetime,
    on_look: Callable[[Arrival], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Arrival:
    """Returns when `sent` events of a history up to `end` have arrived. Raises Stalled, and what those given raise."""
    before, still = look(), 0
    while True:
        on_look(before)
        sleep(LOOK_S)
        now = look()
        still = still + 1 if now == before else 0
        if still and _is_all(now, sent, end):
            return now
        if still * LOOK_S >= STALLED_S:
            raise Stalled(_stalled(now, sent))
        before = now


def _is_all(now: Arrival, sent: int, end: datetime) -> bool:
    return now.unread == 0 and now.recorded == sent and now.clock is not None and now.clock >= end


def _stalled(now: Arrival, sent: int) -> str:
    at = "at its beginning" if now.clock is None else f"at {now.clock:%Y-%m-%d}"
    return (
        f"Nothing has moved for {STALLED_S:.0f} s: time stands {at}, {now.recorded:,} of {sent:,} events are recorded, "
        f"{now.unread:,} records are still to be read"
    )

"""What every route of the gateway works with: how bodies are read, what is asked of events, how records leave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.gateway.body import Reader, Room
from services.gateway.examination import Terms, trace_of
from services.gateway.figures import POSTPONED
from services.gateway.pipeline import Full, Pipeline
from services.gateway.rate import Rate
from services.gateway.settings import Settings
from shared.broker import Outgoing, Publisher, PublishUnknown
from shared.http import HttpProblem, unavailable
from shared.intake import AHEAD, BEHIND
from shared.settings import Platform, TimeSource


@dataclass(frozen=True)
class Door:
    settings: Settings
    platform: Platform
    reader: Reader
    rate: Rate
    pipeline: Pipeline
    clock: Callable[[], datetime]

    def terms(self, traceparent: str | None) -> Terms:
        """Stricter than behind the inbox, by the margin of the clocks: what is accepted here is not refused there."""
        margin = timedelta(seconds=self.settings.clock_margin_s)
        now = self.clock() if self.platform.time is TimeSource.WALL else None
        return Terms(now, AHEAD - margin, BEHIND - margin, self.platform.partitions, trace_of(traceparent))

    async def publish(self, records: Sequence[Outgoing], *, alone: bool = False) -> None:
        """Returns when the broker has them. Raises HttpProblem 503, which says whether they may have been accepted."""
        if not records:
            return
        try:
            await self.pipeline.send(records, alone=alone)
        except Full:
            raise _later("busy", "The broker is slow; nothing was accepted. Send it again later.") from None
        except PublishUnknown:
            detail = (
                "The broker did not answer. It may have been accepted; send it again, a second copy changes nothing."
            )
            raise _later("not-acknowledged", detail) from None


def _later(code: str, detail: str) -> HttpProblem:
    POSTPONED.labels(code).inc()
    return unavailable(code, detail)


def open_door(
    settings: Settings,
    platform: Platform,
    publisher: Publisher,
    *,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> Door:
    return Door(
        settings,
        platform,
        Reader(Room(settings.max_bytes_in_flight), max_batch_bytes=settings.max_batch_bytes, body_s=settings.body_s),
        Rate(per_s=settings.events_per_s, burst=settings.burst_events, monotonic=monotonic),
        Pipeline(
            publisher,
            max_waiting=settings.max_waiting_events,
            at_once=settings.publish_events,
            answer_s=settings.answer_s,
        ),
        clock,
    )

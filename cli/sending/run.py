"""Sends a file's events, step by step, and says how it went.

Promise: a step is begun only when the one before it is acknowledged, so the `Position` given with each progress report
is always true, and whoever begins again from it leaves nothing out.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cli.sending.door import Door, Refusal
from cli.sending.lines import Faulty, Line, in_order
from cli.sending.steps import Batch, Step, Tick, batches, history_steps

SHOWN = 10  # refusals kept word for word; all are counted
DEFAULT_BATCH = 200
NOT_AN_EVENT = "not-an-event"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file has been acknowledged, in order of sending: events, and in history the last tick."""

    events: int = 0
    tick: datetime | None = None


@dataclass
class Report:
    """Counts of this run. `first_problems` holds the first SHOWN of all that was not accepted."""

    sent: int = 0
    accepted: int = 0
    skipped: int = 0  # acknowledged by an earlier run
    ticks: int = 0
    seconds: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)  # code -> lines; NOT_AN_EVENT was never sent
    first_problems: list[Refusal] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return not self.refused

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.sent / self.seconds if self.seconds > 0 else 0.0

    def refuse(self, refusal: Refusal) -> None:
        self.refused[refusal.code] += 1
        if len(self.first_problems) < SHOWN:
            self.first_problems.append(refusal)

    def as_json(self) -> dict[str, Any]:
        return {
            "sent": self.sent,
            "accepted": self.accepted,
            "refused": dict(self.refused),
            "skipped": self.skipped,
            "ticks": self.ticks,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rate, 1),
            "problems": [{"line": p.line, "id": p.id, "code": p.code, "reason": p.reason} for p in self.first_problems],
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """After a step. `at` is how far the events' own time has come."""

    position: Position
    at: datetime
    report: Report


def ignore(_: Progress) -> None:
    """Nobody watches."""


def send_events(
    door: Door,
    items: Iterable[Line | Faulty],
    *,
    history: bool = False,
    batch_size: int = DEFAULT_BATCH,
    rate: float | None = None,
    start: Position | None = None,
    on_progress: Callable[[Progress], None] = ignore,
    report: Report | None = None,
) -> Report:
    """`rate` is events per second. A `report` handed in is right also when this raises: DoorShut, OutOfOrder."""
    report = Report() if report is None else report
    lines = _lines(in_order(items) if history else items, report)
    steps = history_steps(lines, batch_size) if history else batches(lines, batch_size)
    position = Position() if start is None else start
    began = time.monotonic()
    for step in _remaining(steps, position, report):
        if rate is not None and isinstance(step, Batch):
            door.sleep(max(0.0, began + report.sent / rate - time.monotonic()))
        position = _take(door, step, position, report)
        report.seconds = time.monotonic() - began
        on_progress(Progress(position, step.to if isinstance(step, Tick) else step.lines[-1].at, report))
    return report


def _take(door: Door, step: Step, position: Position, report: Report) -> Position:
    """The position after the step."""
    if isinstance(step, Tick):
        door.advance(step)
        report.ticks += 1
        return Position(position.events, step.to)
    refusals = door.send(step.lines)
    report.sent += len(step.lines)
    report.accepted += len(step.lines) - len(refusals)
    for refusal in refusals:
        report.refuse(refusal)
    return Position(position.events + len(step.lines), position.tick)


def _lines(items: Iterable[Line | Faulty], report: Report) -> Iterator[Line]:
    for item in items:
        if isinstance(item, Line):
            yield item
        else:
            report.refuse(Refusal(item.number, "", NOT_AN_EVENT, item.reason))


def _remaining(steps: Iterable[Step], start: Position, report: Report) -> Iterator[Step]:
    """Without what an earlier run has had acknowledged."""
    for step in steps:
        if isinstance(step, Tick):
            if start.tick is None or step.to > start.tick:
                yield step
            continue
        known = min(len(step.lines), start.events - report.skipped)
        report.skipped += known
        if known < len(step.lines):
            yield Batch(step.lines[known:])

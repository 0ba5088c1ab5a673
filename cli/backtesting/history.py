"""A file's events under the judgement, day by day, as `tenure send --history` would bring them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cli.backtesting.life import Happened
from cli.errors import UNASKED, CliError
from cli.sending.lines import Faulty, Line, OutOfOrder, in_order, open_lines, read_lines, sort_lines
from cli.sending.steps import MAX_BATCH, Tick, history_steps
from services.analytics.core import Output
from services.analytics.outcomes import Past
from services.analytics.population.segments import SegmentOut
from services.analytics.replay import Replay, Score
from services.analytics.rules import TARGETS, Rules, read_rules
from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.envelope import Inbound, Unreadable, read_inbound
from shared.contracts.measures import is_of_catalogue
from shared.contracts.values import to_micros
from shared.intake import admit

INBOUND = "inbound"
SHOWN = 10  # refusals kept word for word; all are counted


@dataclass
class Tally:
    """What became of the lines. `done`: by what a lapse may be the absence of, who did it when, micros. `until`: the
    instant up to which time has passed."""

    events: int = 0
    twice: int = 0
    refused: int = 0
    first_refusals: list[tuple[int, str]] = field(default_factory=list)  # line, reason
    customers: set[str] = field(default_factory=set)
    done: dict[str, dict[str, list[int]]] = field(default_factory=lambda: {target: {} for target in TARGETS})
    until: datetime | None = None

    def refuse(self, line: int, reason: str) -> None:
        self.refused += 1
        if len(self.first_refusals) < SHOWN:
            self.first_refusals.append((line, reason))


def rules_of(file: Path | None) -> Rules:
    """None: those of this release. Raises CliError."""
    if file is None:
        return Rules()
    try:
        return read_rules(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CliError(f"{file} holds no rules: {error}.", UNASKED) from None


def read_history(path: Path, source: str, *, sort: bool) -> tuple[Callable[[], Iterable[Line | Faulty]], int]:
    """What is to be judged, to be read as often as need be, and how much that is. All of it is known to be in order.
    `source`: of lines that name none."""

    def read() -> Iterable[Line | Faulty]:
        return read_lines(open_lines(path), source=source)

    if sort:
        everything = sort_lines(read())
        return lambda: everything, len(everything)
    try:
        return read, sum(1 for _ in in_order(read()))
    except OutOfOrder as error:
        raise CliError(f"A history must be in order of time, and {error}: use --sort.", UNASKED) from None


def past_of(tally: Tally, rules: Rules) -> Past:
    """Who bought when, or did what else a lapse is the absence of, up to the end of the history."""
    until = 0 if tally.until is None else to_micros(tally.until)
    return Past(tally.done[rules.target], until=until, horizon_days=rules.horizon_days)


def lives_of(customers: Collection[str], items: Iterable[Line | Faulty]) -> dict[str, list[Happened]]:
    """Every event of theirs; what we began ourselves is left out."""
    lives: dict[str, list[Happened]] = {customer: [] for customer in customers}
    for line in items:
        if isinstance(line, Line):
            with suppress(Unreadable):  # counted when it was judged
                event = read_inbound(line.body, INPUT_TYPES)
                if event.subject in lives and _is_inbound(event):
                    lives[event.subject].append(Happened(to_micros(event.time), _kind(event)))
    return lives


def _is_inbound(event: Inbound) -> bool:
    return getattr(event.data, "direction", INBOUND) == INBOUND


def _kind(event: Inbound) -> str:
    """`purchase` of `tenure.purchase.v1`."""
    return event.type.split(".")[1]


def ignore(_: Tally) -> None:
    """Nobody watches."""


def outputs(
    items: Iterable[Line | Faulty],
    replay: Replay,
    tally: Tally,
    *,
    until: datetime | None = None,
    on_day: Callable[[Tally], None] = ignore,
) -> Iterator[Output | SegmentOut | Score]:
    """Items in order of time. `until`: time passes up to there, though the last of them may be older."""
    for step in history_steps(_events(items, tally), MAX_BATCH):
        if isinstance(step, Tick):
            yield from replay.advance(to_micros(step.to))
            tally.until = step.to
            on_day(tally)
            continue
        for line in step.lines:
            _take(line, replay, tally)
    if until is not None and (tally.until is None or until > tally.until):
        yield from replay.advance(to_micros(until))
        tally.until = until


def _events(items: Iterable[Line | Faulty], tally: Tally) -> Iterator[Line]:
    for item in items:
        if isinstance(item, Line):
            yield item
        else:
            tally.refuse(item.number, item.reason)


def _take(line: Line, replay: Replay, tally: Tally) -> None:
    try:
        event = read_inbound(line.body, INPUT_TYPES)
        admit(event, now=None)
    except Unreadable as error:
        tally.refuse(line.number, str(error))
        return
    if not replay.take(event):
        tally.twice += 1
        return
    tally.events += 1
    if not is_of_catalogue(event.subject):
        tally.customers.add(event.subject)
    if _is_inbound(event) and (done := tally.done.get(_kind(event))) is not None:
        done.setdefault(event.subject, []).append(to_micros(event.time))

"""How does a history go through a deployment, and how does one watch it go?

In: a stack that is up, events in order. Returns when all of them have arrived on the timelines and every alert they
give is there. A process that dies on the way, or a standstill, ends the replay with a sentence that says what to do.
"""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING

import httpx
from rich.progress import BarColumn, Progress, TextColumn

from cli.arrival import Arrival, Observer, Stalled, await_all
from cli.context import connect, connect_gateway
from cli.errors import CliError
from cli.output import console, say
from cli.sending import run
from cli.sending.door import Door, DoorShut
from cli.sending.lines import Line
from cli.sending.run import Report, send_events
from deploy.local import parts

if TYPE_CHECKING:
    from deploy.local.stack import LocalStack

LOOK_EVERY_S = 4.0  # at what has arrived, while sending: a look costs the read API a scan
SAID_EVERY_S = 10.0  # where there is no terminal


class Show:
    """Two bars on a terminal, how much is sent and how much is judged; elsewhere a line now and then. All on stderr."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.first = lines[0].at
        days = (lines[-1].at - self.first) / timedelta(days=1) or 1.0
        columns = (TextColumn("{task.description:<7}"), BarColumn(), TextColumn("{task.fields[words]}", markup=False))
        self._bars = Progress(*columns, console=console(stderr=True), disable=not sys.stderr.isatty())
        self._sent = self._bars.add_task("sent", total=days, words="")
        self._judged = self._bars.add_task("judged", total=days, words="")
        self._said_at = time.monotonic()

    def __enter__(self) -> "Show":
        self._bars.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._bars.stop()

    def sent(self, progress: run.Progress) -> None:
        words = f"{progress.at:%Y-%m-%d}  {progress.report.sent:,} events, {progress.report.rate:,.0f} a second"
        self._bars.update(self._sent, completed=self._days(progress.at), words=words)

    def arrived(self, arrival: Arrival) -> None:
        at = arrival.clock or self.first
        words = f"{at:%Y-%m-%d}  {arrival.recorded:,} events on timelines, {arrival.alerts:,} alerts"
        self._bars.update(self._judged, completed=self._days(at), words=words)
        if self._bars.disable and time.monotonic() - self._said_at >= SAID_EVERY_S:
            self._said_at = time.monotonic()
            say(f"  {words}")

    def _days(self, at: datetime) -> float:
        return (at - self.first) / timedelta(days=1)


def replay(stack: "LocalStack", lines: Sequence[Line]) -> Report:
    """Raises CliError."""
    with (
        connect_gateway(stack.gateway_url, stack.key) as gateway,
        connect(stack.api_url, stack.key) as api,
        Show(lines) as show,
    ):
        observer = Observer(api, {name: stack.deployment.url(name) for name in parts.SERVICES})

        def look(arrival: Arrival) -> None:
            refuse_deaths(stack)
            show.arrived(arrival)

        def sleep(seconds: float) -> None:
            refuse_deaths(stack)  # a gateway may be busy because its broker is gone
            time.sleep(seconds)

        try:
            return _send_and_await(Door(gateway, sleep), observer, lines, show, look)
        except (DoorShut, Stalled, httpx.HTTPError, CliError) as trouble:
            refuse_deaths(stack)  # which explains the trouble better
            why = str(trouble).rstrip(".")
            raise CliError(f"{why}. Everything was ended; the logs are in {stack.folder.path / 'logs'}.") from None


def refuse_deaths(stack: "LocalStack") -> None:
    """Raises CliError if a process has died: a replay in which one was missing would show nothing worth seeing."""
    deaths = stack.deaths()
    if deaths:
        first = next((death for death in deaths if not death.keeps), deaths[0])  # others fall with it
        raise CliError(f"{first.what}.\nEverything was ended: run `tenure demo` again. The log: {first.log}")


def _send_and_await(
    door: Door, observer: Observer, lines: Sequence[Line], show: Show, look: Callable[[Arrival], None]
) -> Report:
    looked_at = time.monotonic()
    end = lines[0].at

    def on_progress(progress: run.Progress) -> None:
        nonlocal looked_at, end
        end = progress.at  # of the last step that is the last tick
        show.sent(progress)
        if time.monotonic() - looked_at >= LOOK_EVERY_S:
            look(observer.look())
            looked_at = time.monotonic()

    report = send_events(door, lines, history=True, on_progress=on_progress)
    if not report.complete:
        raise CliError(f"The gateway refused an event of the demo: {report.first_problems[0].reason}")
    await_all(observer.look, sent=report.accepted, end=end, on_look=look)
    return report

"""Analytics without a broker and a database: what its customers cost, and what a back-test costs.

Each part is measured in a process of its own, whose memory and caches nobody else has touched; ratios are of what was
measured beside one another. Out: figures, and how each stands to another one or to its goal.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cli.errors import CliError
from tests.bench.scores import EveryKind, Scored
from tests.bench.state import Judged, TakenOver
from tests.bench.whole import Say

ROOT = Path(__file__).parents[2]
CUSTOMERS = 100_000
DUE = CUSTOMERS // 100
GOAL_BYTES = 1024  # of a customer, in memory


@dataclass(frozen=True, slots=True)
class Inside:
    """`scored`: rounds."""

    judged: Judged
    taken_over: TakenOver
    scored: Sequence[Scored]
    every_kind: EveryKind

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """What, how much, and beside what."""
        judged, taken, costs = self.judged, self.taken_over, self.judged.costs
        record_s, look_s = costs.event_s / costs.records, taken.instant_s / taken.due
        week_s = (costs.part_s + costs.look_s) / costs.customers
        resident = taken.resident_bytes / CUSTOMERS
        scored, every = middle(self.scored), self.every_kind
        yield "a record, no week begins, us", f"{record_s * 1e6:.1f}", f"{costs.records:,} records, with their save"
        yield (
            "a week of a customer, its part and its look, us", f"{week_s * 1e6:.1f}",
            f"{week_s / record_s:.2f} x a record; the part is {costs.part_s / (costs.part_s + costs.look_s):.0%} of it",
        )  # fmt: skip
        yield (
            "a refit, ms", f"{costs.refit_s * 1e3:,.0f}",
            f"{costs.rows:,} rows a week, for {costs.weeks} weeks",
        )  # fmt: skip
        yield "bytes a customer, in memory", f"{resident:,.0f}", f"{resident / GOAL_BYTES:.2f} x the goal of 1 KiB"
        yield (
            "bytes a customer, in memory, when everybody has been looked at", f"{taken.looked_bytes / CUSTOMERS:,.0f}",
            f"{taken.looked_bytes / taken.resident_bytes:.2f} x as taken over; what it took for a moment is in it",
        )  # fmt: skip
        yield "bytes a customer, as saved", f"{judged.stored_bytes / CUSTOMERS:,.0f}", ""
        yield (
            f"{CUSTOMERS:,} customers taken over, s", f"{taken.cpu_s:.2f}",
            f"1/{judged.cpu_s / taken.cpu_s:.0f} of judging their {judged.records:,} records",
        )  # fmt: skip
        yield (
            f"an instant of the grid, {taken.due / CUSTOMERS:.0%} of them due, ms", f"{taken.instant_s * 1e3:.1f}",
            f"{look_s / record_s:.2f} x a record for each who is due",
        )  # fmt: skip
        yield (
            f"back-test of {every.events:,} events of every kind, with scores, s", f"{every.cpu_s:.1f}",
            f"{every.events / every.cpu_s:,.0f} events a second",
        )  # fmt: skip
        yield (
            "back-test of a shop with weekly scores, events/s", f"{scored.events_per_s:,.0f}",
            f"{scored.ratio:.2f} x the same without scores",
        )  # fmt: skip


def look_inside(rounds: int, say: Say) -> Inside:
    """Raises CliError."""
    with tempfile.TemporaryDirectory(prefix="tenure-bench-") as folder:
        file = str(Path(folder) / "state")
        say(f"Analytics alone: judging a base of {CUSTOMERS:,} customers")
        judged = msgspec.json.decode(_run("state", "judge", file, str(CUSTOMERS)), type=Judged)
        say("Analytics alone: taking them over")
        taken_over = msgspec.json.decode(_run("state", "take-over", file, str(DUE), str(rounds)), type=TakenOver)
    say("Back-test with and without scores")
    scored = msgspec.json.decode(_run("scores", "shop", str(rounds)), type=list[Scored])
    say("Back-test of a base with events of every kind")
    return Inside(judged, taken_over, scored, msgspec.json.decode(_run("scores", "every-kind"), type=EveryKind))


def middle(rounds: Sequence[Scored]) -> Scored:
    """The round whose ratio is in the middle; of two, the lower one."""
    ratio = statistics.median_low(scored.ratio for scored in rounds)
    return next(scored for scored in rounds if scored.ratio == ratio)


def _run(module: str, *arguments: str) -> bytes:
    """What it says on stdout. An interrupt reaches it, too."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise CliError(f"{module} gave no result (exit code {done.returncode}); its last line: {last}")
    return done.stdout

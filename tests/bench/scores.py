"""What does a back-test take? The CDNOW sample judged without scores and with them, by turns; and once a base of 2,000
customers with events of every kind in 900 days, with scores.

python -m tests.bench.scores shop ROUNDS    what it took to stdout
python -m tests.bench.scores every-kind
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cli.backtesting.history import Tally, outputs
from cli.data import CDNOW
from cli.sending.lines import Line, merge_lines, open_lines, read_lines
from services.analytics.replay import Replay
from shared.contracts.envelope import write_inbound
from tests.bench.profiling import RULES
from tests.unit.bases import happened
from tests.unit.planted import RATES, Shape, plant


class Scored(msgspec.Struct, frozen=True):
    """One round: processor time without scores and with those of every week, fitting included."""

    events: int
    without_s: float
    with_s: float

    @property
    def events_per_s(self) -> float:
        return self.events / self.with_s

    @property
    def ratio(self) -> float:
        """Of the events a second without scores."""
        return self.without_s / self.with_s


class EveryKind(msgspec.Struct, frozen=True):
    """Processor time of the whole command, from the file to the files of alerts and scores."""

    events: int
    cpu_s: float


def every_kind(shape: Shape) -> EveryKind:
    events = happened(plant(1, shape=shape, streams=tuple(RATES)))
    with tempfile.TemporaryDirectory(prefix="tenure-bench-") as folder:
        file, alerts, scores = (str(Path(folder) / f"{name}.jsonl") for name in ("events", "alerts", "scores"))
        Path(file).write_bytes(b"".join(write_inbound(event) + b"\n" for event in events))
        command = ["backtest", "--events", file, "--alerts", alerts, "--scores", scores]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "cli.main", *command], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return EveryKind(len(events), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def score(rounds: int) -> list[Scored]:
    lines = list(merge_lines(read_lines(open_lines(CDNOW), source="shop")))
    return [Scored(len(lines), _judged(lines, is_scored=False), _judged(lines, is_scored=True)) for _ in range(rounds)]


def _judged(lines: Sequence[Line], *, is_scored: bool) -> float:
    began = time.process_time()
    for _ in outputs(lines, Replay(RULES, is_scored=is_scored), Tally()):
        pass
    return time.process_time() - began


def main() -> None:
    match sys.argv[1:]:
        case ["shop", rounds]:
            found: list[Scored] | EveryKind = score(int(rounds))
        case ["every-kind"]:
            found = every_kind(Shape())
        case _:
            sys.exit(__doc__)
    print(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()

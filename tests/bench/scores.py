"""What do scores cost a back-test? The CDNOW sample judged without them and with them, by turns.

python -m tests.bench.scores ROUNDS    what it took to stdout
"""

import sys
import time
from collections.abc import Sequence

import msgspec

from cli.backtesting.history import Tally, outputs
from cli.data import CDNOW
from cli.sending.lines import Line, merge_lines, open_lines, read_lines
from services.analytics.replay import Replay
from tests.bench.profiling import RULES


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


def score(rounds: int) -> list[Scored]:
    lines = list(merge_lines(read_lines(open_lines(CDNOW), source="shop")))
    return [Scored(len(lines), _judged(lines, is_scored=False), _judged(lines, is_scored=True)) for _ in range(rounds)]


def _judged(lines: Sequence[Line], *, is_scored: bool) -> float:
    began = time.process_time()
    for _ in outputs(lines, Replay(RULES, is_scored=is_scored), Tally()):
        pass
    return time.process_time() - began


if __name__ == "__main__":
    print(msgspec.json.encode(score(int(sys.argv[1]))).decode())

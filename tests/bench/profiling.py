"""Where does analytics spend its time on a record? The log through its partitions in this process, under a profiler.

No broker, no database, no event loop, no fit: what remains is reading, ordering, judging and writing, by the models
that the service judged the same log by. A profiler makes calls dear, so look at who is first, not at the seconds; those
without it are printed beside.
"""

import cProfile
import pstats
import sys
import time
from collections.abc import Mapping, Sequence

from cli.output import say
from services.analytics.partition import Partition
from services.analytics.population.part import Result, skipped
from services.analytics.rules import Rules
from services.analytics.state import WEEK
from shared.broker import Record

TOP = 15
RULES = Rules()
SKIPPED = {n * WEEK: skipped(RULES, n * WEEK) for n in range(10_000)}  # nobody is waited for


def profile_analytics(log: Mapping[int, Sequence[Record]], results: Mapping[int, Result]) -> None:
    """Prints the most expensive functions to stdout. `results`: of every week of the log."""
    began = time.process_time()
    _judge(log, results)
    seconds, records = time.process_time() - began, sum(map(len, log.values()))
    say(f"{records:,} records in {seconds:.2f} s without the profiler: {seconds / records * 1e6:.1f} us a record")
    profiler = cProfile.Profile()
    profiler.runcall(_judge, log, results)
    pstats.Stats(profiler, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(TOP)


def _judge(log: Mapping[int, Sequence[Record]], results: Mapping[int, Result]) -> None:
    for number, records in log.items():
        partition = Partition(RULES, history=True, number=number, results=results)
        for record in records:
            partition.take(record)
        partition.dump()

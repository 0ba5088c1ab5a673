"""What is known in this process of the whole base? Every result that stands on the topic, by week.

In: the topic from its beginning, whole, in no group. Out: a mapping that grows, and a ring whenever it does. Of two
results of a week the first in the topic counts, so every process knows the same.
"""

from collections.abc import Callable, Sequence

import structlog

from services.analytics.population.part import Part, Result
from services.analytics.population.wire import read
from services.analytics.rules import Rules
from shared.broker import Record
from shared.contracts.envelope import UnknownType, Unreadable
from shared.follower import Follower
from shared.startup import WrongSetup
from shared.telemetry import POPULATION_SECONDS, UNKNOWN_TYPES
from shared.whole_topic import WholeTopic

log = structlog.get_logger()

MICROS = 1_000_000


class OtherRules(WrongSetup):
    """Under the name of these rules others have judged this log."""


class Results:
    """Of one version of the rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.by_week: dict[int, Result] = {}  # micros
        self.next_offset = 0  # everything before it is known

    def take(self, records: Sequence[Record]) -> bool:
        """The next records of the topic. Answers whether there was a new result among them. Raises OtherRules."""
        before = len(self.by_week)
        for record in records:
            said = heard(record, self._rules)
            if isinstance(said, Result):
                self.by_week.setdefault(said.week, said)
            self.next_offset = record.offset + 1
        return len(self.by_week) > before


class ResultsFollower(Follower):
    """Keeps `results` up to date while the process works; `ring` is called when there is a new one."""

    def __init__(self, topic: WholeTopic, results: Results, *, ring: Callable[[], None]) -> None:
        super().__init__(topic)
        self._results, self._ring = results, ring

    async def take(self, records: Sequence[Record]) -> None:
        if self._results.take(records):
            POPULATION_SECONDS.set(max(self._results.by_week) / MICROS)
            self._ring()


def heard(record: Record, rules: Rules) -> Part | Result | None:
    """What a record of the topic says under these rules; none: it is another version's, or of a newer release, or
    cannot be read, which is said in the log: nobody but analytics writes here. Raises OtherRules: one name for two
    versions would make one base of both."""
    try:
        said = read(record.value or b"")
    except UnknownType:
        UNKNOWN_TYPES.inc()
        return None
    except Unreadable as error:
        log.error("population_record_unreadable", offset=record.offset, reason=str(error))
        return None
    if said.rules != rules.name:
        return None
    if said.digest != rules.digest:
        raise OtherRules(f"rules {rules.name!r} with other figures have judged this log: give these another name")
    return said

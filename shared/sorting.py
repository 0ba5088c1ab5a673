"""Where does a record belong that a domain service has read? With the questions of its partition, or set aside.

In: a batch, in order of offset per partition. Out: what of the log could not be read; everything else is in the rounds
of its partition. Most facts are no cause here, and these are not even decoded.
"""

from collections.abc import Collection, Mapping, Sequence

from shared.broker import Record
from shared.contracts.catalogue import FACT_TYPES
from shared.contracts.envelope import UnknownType, Unreadable, read_fact
from shared.contracts.tick import read_tick
from shared.dead_letters import DeadLetter, dead_letter
from shared.inbox import InboxReader
from shared.record_times import RecordTimes
from shared.rounds import PartitionRounds
from shared.topics import CUSTOMER_EVENTS

Rounds = Mapping[int, PartitionRounds]


class Sorting:
    """Of one service. `times`: none in history time, where record times say nothing."""

    def __init__(self, service: str, inbox: InboxReader, reacts_to: Collection[str], times: RecordTimes | None) -> None:
        self._service, self._inbox, self._reacts_to, self._times = service, inbox, reacts_to, times
        self._decisive = [type_.encode() for type_ in sorted(reacts_to)]

    async def sort_in(self, records: Sequence[Record], rounds: Rounds) -> list[DeadLetter]:
        """The facts first: among them are the ticks that say what time it is elsewhere. Raises ClocksDisagree,
        PublishUnknown; then everything has to be sorted in anew."""
        facts = [record for record in records if record.topic == CUSTOMER_EVENTS]
        letters = [self._sort_in_fact(record, rounds[record.partition]) for record in facts]
        await self._sort_in_inputs([record for record in records if record.topic != CUSTOMER_EVENTS], rounds)
        return [letter for letter in letters if letter is not None]

    async def _sort_in_inputs(self, records: Sequence[Record], rounds: Rounds) -> None:
        ahead = {} if self._times is None else await self._times.refusals(records, rounds)
        for record in records:
            refusal = ahead.get((record.partition, record.offset)) if ahead else None
            item = self._inbox.read(record) if refusal is None else dead_letter(record, refusal)
            rounds[record.partition].put(record.offset, item)

    def _sort_in_fact(self, record: Record, rounds: PartitionRounds) -> DeadLetter | None:
        rounds.read_log_to(record.offset + 1)
        try:
            if record.key is None:
                self._take_tick(record, rounds)
            else:
                self._take_fact(record, rounds)
        except UnknownType:
            pass  # a newer release says something that is no cause here
        except Unreadable as error:
            return dead_letter(record, error)
        return None

    def _take_tick(self, record: Record, rounds: PartitionRounds) -> None:
        tick = read_tick(record.value or b"")
        if tick is None or tick.at is None:
            return
        service = tick.source.removeprefix("tenure/")
        rounds.put_tick(record.offset, service, tick.at)
        if self._times is not None and service != self._service:
            self._times.heard(record.partition, service, tick.at)

    def _take_fact(self, record: Record, rounds: PartitionRounds) -> None:
        value = record.value or b""
        if any(type_ in value for type_ in self._decisive):
            event = read_fact(value, FACT_TYPES)
            if event.type in self._reacts_to:
                rounds.put_fact(record.offset, event, record)

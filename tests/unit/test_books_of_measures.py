"""Measures that stand in some partitions of the inbox only are named, until others have taken their place."""

from collections.abc import Iterable

from cli.books.balance import Ledger
from cli.books.findings import Place
from shared.broker import TopicPartition
from shared.contracts.envelope import compact_json
from shared.contracts.generate import example
from shared.contracts.measures import Measures
from shared.memory_broker import MemoryRecord
from shared.topics import catalogue_subjects, inbox

INBOX = inbox("retention")
COMMITTED = {"retention": {TopicPartition(INBOX, n): 0 for n in range(3)}}
SENT_AGAIN = f"{INBOX} has the measures crm|m-2 not in partitions 0, 2: send them again"


def measures(id_: str, offset: int) -> list[MemoryRecord]:
    """In each of three partitions."""
    events = [example(Measures.TYPE) | {"id": id_, "subject": subject} for subject in catalogue_subjects(3)]
    return [
        MemoryRecord(INBOX, n, offset, 0, event["subject"].encode(), compact_json(event))
        for n, event in enumerate(events)
    ]


def findings(records: Iterable[MemoryRecord], letters: Iterable[Place] = ()) -> list[str]:
    ledger = Ledger()
    for record in records:
        ledger.take(record)
    return ledger.balance({"retention": set(letters)}, {}, COMMITTED).findings.first


WHOLE, PART = measures("m-1", 5), measures("m-2", 6)[1:2]


def test_measures_that_stand_everywhere_are_none_of_the_findings() -> None:
    assert [] == findings(WHOLE)


def test_measures_that_some_partitions_lack_are_named() -> None:
    assert [SENT_AGAIN] == findings([*WHOLE, *PART])


def test_nobody_goes_by_what_was_set_aside() -> None:
    assert [] == findings([*WHOLE, *PART], [Place(INBOX, 1, 6)])


def test_whoever_sends_again_has_mended_it() -> None:
    assert [] == findings([*WHOLE, *PART, *measures("m-3", 7)])

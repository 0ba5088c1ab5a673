"""A reader notices records that it was not handed, has them read again, and does not insist where there are none."""

import pytest

from shared.broker import TopicPartition
from shared.contiguity import READINGS, Contiguity, RecordsSkipped
from shared.memory_broker import MemoryRecord


def records(*offsets: int, topic: str = "log", partition: int = 0) -> list[MemoryRecord]:
    return [MemoryRecord(topic, partition, offset, 0, b"key", b"value") for offset in offsets]


def test_offsets_one_after_the_other_are_fine() -> None:
    watch = Contiguity()
    watch.check(records(7, 8))
    watch.check([*records(9), *records(3, partition=1), *records(10)])


def test_a_record_that_was_passed_over_is_noticed() -> None:
    watch = Contiguity()
    watch.check(records(7))
    with pytest.raises(RecordsSkipped, match="log/0: 9 came after 7"):
        watch.check(records(9))


def test_after_a_restart_reading_begins_where_it_was_said_to() -> None:
    watch = Contiguity()
    watch.check(records(7))
    watch.restart({TopicPartition("log", 0): 2})
    watch.check(records(2, 3))
    watch.restart({TopicPartition("log", 0): 2})
    with pytest.raises(RecordsSkipped, match="log/0: 3 came after 1"):
        watch.check(records(3))


def read_until_believed(watch: Contiguity) -> None:
    for _ in range(READINGS - 1):
        with pytest.raises(RecordsSkipped):
            watch.check(records(7, 9))
        watch.restart({})
    watch.check(records(7, 9))


def test_where_every_reading_finds_the_same_the_offsets_are_missing() -> None:
    watch = Contiguity()
    read_until_believed(watch)
    watch.check(records(12))  # a topic with holes is not watched any more


def test_a_hole_in_one_topic_says_nothing_of_another() -> None:
    watch = Contiguity()
    read_until_believed(watch)
    watch.check(records(1, topic="inbox"))
    with pytest.raises(RecordsSkipped):
        watch.check(records(5, topic="inbox"))


def test_copies_of_what_was_read_are_no_gap() -> None:
    watch = Contiguity()
    watch.check(records(7, 8))
    watch.check(records(7, 8, 9))

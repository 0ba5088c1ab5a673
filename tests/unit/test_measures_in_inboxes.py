"""Measures stand in every partition of an inbox, and are the same in all of them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.generate import example
from shared.contracts.measures import CATALOGUE, Measures
from shared.dead_letters import DeadLetter
from shared.decider import Received
from shared.inbox import InboxItem, InboxReader, Put
from shared.memory_broker import MemoryRecord
from shared.settings import TimeSource
from shared.topics import catalogue_subjects, partition_of

PARTITIONS = 5
OWN = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
SUBJECTS = catalogue_subjects(PARTITIONS)


def read(subject: str, partition: int, *, arrived: datetime = OWN, time: TimeSource = TimeSource.WALL) -> InboxItem:
    event = example(Measures.TYPE) | {"subject": subject}
    stamp = round(arrived.timestamp() * 1000)
    record = MemoryRecord("retention.inbox", partition, 0, stamp, subject.encode(), json.dumps(event).encode())
    return InboxReader({Measures.TYPE: Measures}, partitions=PARTITIONS, time=time).read(record)


def time_of(item: InboxItem) -> datetime:
    assert isinstance(item, Put)
    assert isinstance(item.question.cause, Received)
    return item.question.cause.at


@pytest.mark.parametrize("time", TimeSource)
def test_each_partition_takes_the_subject_that_is_its_own(time: TimeSource) -> None:
    assert [OWN] * PARTITIONS == [time_of(read(subject, n, time=time)) for n, subject in enumerate(SUBJECTS)]


@pytest.mark.parametrize("number", [7, 11, 100])
def test_another_subject_is_refused_though_it_lies_there(number: int) -> None:
    subject = f"measures/{number}"
    assert subject not in SUBJECTS
    found = read(subject, partition_of(subject, PARTITIONS))
    assert isinstance(found, DeadLetter)
    assert "wrong-subject" == found.code


def test_the_subject_that_channels_write_at_the_door_is_none_of_an_inbox() -> None:
    found = read(CATALOGUE, partition_of(CATALOGUE, PARTITIONS))
    assert isinstance(found, DeadLetter)
    assert "wrong-subject" == found.code


def test_measures_keep_their_time_whenever_the_broker_of_a_partition_had_them() -> None:
    """By it two catalogues are told apart, and every partition has to find the same."""
    arrivals = [OWN - timedelta(seconds=40), OWN, OWN + timedelta(seconds=30)]
    assert {OWN} == {time_of(read(SUBJECTS[0], 0, arrived=arrived)) for arrived in arrivals}

"""Commits and chains of them as the suite of event stores needs them, and a short way to what a store has."""

from collections.abc import Sequence

import pytest

from shared.event_store import Commit, EventStore, History, Refused

RULES = "rules-1"
ODD_IDS = (
    "a/1",
    "a",
    "a/1/2",
    ".",
    "$set",
    "a.b.$",
    " inner  blanks ",
    "Ünïcødé-客户-🙂",
    "x" * 128,
    "🙂" * 128,
    "'; --",
    "{}",
)


def commit(customer: str, first: int, *events: bytes, cause: str = "", partition: int = 0) -> Commit:
    """With one event if none are given, and a cause that nobody else has."""
    events = events or (f"{customer} {first}".encode(),)
    return Commit(customer, first, first + len(events) - 1, cause or f"shop|{first}", events, partition)


def chain(customer: str, lengths: Sequence[int], *, after: int = 0) -> list[Commit]:
    commits = []
    for length in lengths:
        commits.append(commit(customer, after + 1, *(f"{after + n}".encode() for n in range(1, length + 1))))
        after += length
    return commits


async def history(store: EventStore, customer: str, rules: str = RULES) -> History:
    return (await store.load([customer], rules=rules))[customer]


async def commits_of(store: EventStore, customer: str) -> list[Commit]:
    return list((await history(store, customer)).commits)


async def refused_at(store: EventStore, commits: Sequence[Commit]) -> int:
    with pytest.raises(Refused) as refused:
        await store.append(commits)
    return refused.value.index

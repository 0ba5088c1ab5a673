"""When has everything that was sent arrived? Only when nothing is missing anywhere, and a second look says the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cli.arrival import LOOK_S, STALLED_S, Arrival, Stalled, await_all
from shared.contracts.values import parse_time

END = parse_time("1998-07-01T00:00:00Z")
ALL = Arrival(clock=END, recorded=10, entries=25, alerts=2, unread=0)


def looks_until_done(*looks: Arrival) -> int:
    """How many were needed, of these and then the last one for ever."""
    taken = 0

    def look() -> Arrival:
        nonlocal taken
        taken += 1
        return looks[min(taken, len(looks)) - 1]

    await_all(look, sent=10, end=END, on_look=lambda _: None, sleep=lambda _: None)
    return taken


@pytest.mark.parametrize(
    "missing", [{"clock": None}, {"clock": END - timedelta(days=1)}, {"recorded": 9}, {"unread": 1}], ids=str
)
def test_it_is_not_done_while_something_is_missing(missing: dict[str, Any]) -> None:
    assert 4 == looks_until_done(replace(ALL, **missing), replace(ALL, **missing), ALL, ALL)


def test_it_is_not_done_while_more_comes() -> None:
    assert 4 == looks_until_done(replace(ALL, entries=23), replace(ALL, entries=24), ALL, ALL)


def test_two_looks_alike_are_enough() -> None:
    assert 2 == looks_until_done(ALL)


def test_everything_seen_is_shown() -> None:
    seen: list[Arrival] = []
    looks: Iterator[Arrival] = iter([replace(ALL, recorded=3), ALL, ALL])
    await_all(looks.__next__, sent=10, end=END, on_look=seen.append, sleep=lambda _: None)
    assert [3, 10] == [arrival.recorded for arrival in seen]


def test_a_standstill_is_told_with_where_it_stands() -> None:
    waited: list[float] = []
    stuck = replace(ALL, clock=END - timedelta(days=30), recorded=7)
    with pytest.raises(Stalled, match=r"time stands at 1998-06-01, 7 of 10 events are recorded"):
        await_all(lambda: stuck, sent=10, end=END, on_look=lambda _: None, sleep=waited.append)
    assert STALLED_S == sum(waited) == len(waited) * LOOK_S

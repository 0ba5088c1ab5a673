"""How requests are combined, bounded and answered on their way to the broker."""

import asyncio
from collections.abc import Sequence

import pytest

from services.gateway.pipeline import Full, Pipeline
from services.gateway.rate import Rate
from shared.broker import Outgoing, PublishUnknown


def records(*names: str) -> list[Outgoing]:
    return [Outgoing("inbox", 0, None, name.encode()) for name in names]


class Broker:
    """A Publisher that answers when it is let, and remembers what each call brought."""

    def __init__(self, *failures: Exception | None) -> None:
        self.calls: list[list[str]] = []
        self._failures = list(failures)
        self.called, self.go = asyncio.Event(), asyncio.Event()

    async def publish(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        self.calls.append([(record.value or b"").decode() for group in groups for record in group])
        self.called.set()
        await self.go.wait()
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure


def pipeline(broker: Broker, *, max_waiting: int = 100, at_once: int = 10, answer_s: float = 30) -> Pipeline:
    return Pipeline(broker, max_waiting=max_waiting, at_once=at_once, answer_s=answer_s)


async def under_way(pipe: Pipeline, broker: Broker) -> "asyncio.Task[None]":
    """A first call that the broker has not answered yet."""
    task = asyncio.create_task(pipe.send(records("first")))
    await broker.called.wait()
    return task


async def settle(*tasks: "asyncio.Task[None]") -> list[BaseException | None]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def queued(pipe: Pipeline, *requests: Sequence[Outgoing], alone: bool = False) -> "list[asyncio.Task[None]]":
    tasks = [asyncio.create_task(pipe.send(request, alone=alone)) for request in requests]
    await asyncio.sleep(0)  # each gets as far as the queue
    return tasks


async def test_what_came_meanwhile_goes_together_in_order() -> None:
    broker = Broker()
    pipe = pipeline(broker)
    first = await under_way(pipe, broker)
    others = await queued(pipe, records("a", "b"), records("c"))
    broker.go.set()
    await settle(first, *others)
    assert [["first"], ["a", "b", "c"]] == broker.calls


async def test_a_request_is_never_split_over_two_calls() -> None:
    broker = Broker()
    pipe = pipeline(broker, at_once=3)
    first = await under_way(pipe, broker)
    others = await queued(pipe, records("a", "b"), records("c", "d"), records("e", "f", "g", "h"))
    broker.go.set()
    await settle(first, *others)
    assert [["first"], ["a", "b"], ["c", "d"], ["e", "f", "g", "h"]] == broker.calls


async def test_what_goes_alone_is_behind_all_before_and_ahead_of_all_after() -> None:
    broker = Broker()
    pipe = pipeline(broker)
    first = await under_way(pipe, broker)
    tasks = [*await queued(pipe, records("a")), *await queued(pipe, records("tick"), alone=True)]
    tasks += await queued(pipe, records("b"))
    broker.go.set()
    await settle(first, *tasks)
    assert [["first"], ["a"], ["tick"], ["b"]] == broker.calls


async def test_more_than_may_wait_is_refused_at_once() -> None:
    broker = Broker()
    pipe = pipeline(broker, max_waiting=3)
    first = await under_way(pipe, broker)
    waiting = await queued(pipe, records("a", "b"))
    with pytest.raises(Full):
        await pipe.send(records("c", "d"))
    assert 2 == pipe.waiting
    broker.go.set()
    assert [None, None] == await settle(first, *waiting)
    assert 0 == pipe.waiting


async def test_a_failure_belongs_to_those_it_befell_and_the_next_go_on() -> None:
    broker = Broker(PublishUnknown("away"), None)
    pipe = pipeline(broker)
    first = await under_way(pipe, broker)
    (second,) = await queued(pipe, records("a"))
    broker.go.set()
    failed, fine = await settle(first, second)
    assert isinstance(failed, PublishUnknown)
    assert fine is None


async def test_an_error_nobody_expected_is_raised_where_it_is_waited_for() -> None:
    broker = Broker(ZeroDivisionError())
    pipe = pipeline(broker)
    first = await under_way(pipe, broker)
    broker.go.set()
    (failed,) = await settle(first)
    assert isinstance(failed, ZeroDivisionError)
    await pipe.send(records("a"))
    assert [["first"], ["a"]] == broker.calls


async def test_who_waited_too_long_is_answered_and_what_had_not_left_does_not_leave() -> None:
    broker = Broker()
    pipe = pipeline(broker, answer_s=0.01)
    first = await under_way(pipe, broker)
    waiting = await queued(pipe, records("a"), records("b"))
    outcomes = await settle(first, *waiting)
    assert {PublishUnknown} == {type(outcome) for outcome in outcomes}
    assert 0 == pipe.waiting
    broker.go.set()
    await pipe.send(records("c"))
    assert [["first"], ["c"]] == broker.calls


def test_a_key_may_send_its_burst_and_then_its_rate() -> None:
    seconds = 0.0
    rate = Rate(per_s=10, burst=100, monotonic=lambda: seconds)
    assert [0.0, 2.0, 0.0] == [rate.take("a", 100), rate.take("a", 20), rate.take("b", 100)]
    seconds = 2.0
    assert [0.0, 0.1] == [rate.take("a", 20), rate.take("a", 1)]


def test_a_key_that_was_silent_for_long_has_its_burst_and_no_more() -> None:
    seconds = 0.0
    rate = Rate(per_s=10, burst=100, monotonic=lambda: seconds)
    rate.take("a", 100)
    seconds = 1e6
    assert [0.0, 0.1] == [rate.take("a", 100), rate.take("a", 1)]

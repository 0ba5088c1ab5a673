"""A Ctrl-C is heard wherever it finds the program; so is being told to end."""

import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli.interruption import end_in_good_order, hear_what_was_lost

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DEADLINE_S = 30


class Last:
    """Something is done at its end, where Python lets no exception through."""

    def __init__(self, doing: Callable[[], Any]) -> None:
        self.doing, self.itself = doing, self

    def __del__(self) -> None:
        self.doing()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What nobody can catch and is no signal."""
    before, told = {number: signal.getsignal(number) for number in NUMBERS}, list[Any]()
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(type(lost.exc_value)))
    end_in_good_order()
    hear_what_was_lost()
    yield told
    for number, handler in before.items():
        signal.signal(number, handler)


def heard_of(doing: Callable[[], Any]) -> object:
    """Which signal came through, None: none did."""
    try:
        do_at_the_end_of_something(doing)
        threading.Event().wait(DEADLINE_S)
    except KeyboardInterrupt:
        return signal.SIGINT
    except SystemExit as ended:
        return int(str(ended.code)) - 128
    return None


def do_at_the_end_of_something(doing: Callable[[], Any]) -> None:
    Last(doing)
    gc.collect()


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_in_a_finaliser_is_heard(number: signal.Signals, told: list[Any]) -> None:
    assert number == heard_of(lambda: signal.raise_signal(number))
    assert [] == told


def test_another_exception_in_a_finaliser_is_told_as_before(told: list[Any]) -> None:
    do_at_the_end_of_something(lambda: 1 / 0)
    do_at_the_end_of_something(lambda: sys.exit(3))
    assert [ZeroDivisionError, SystemExit] == told

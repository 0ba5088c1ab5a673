"""What is asked of an event beyond its schema."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.envelope import Inbound, Input, Unreadable
from shared.contracts.measures import Measures
from shared.contracts.protocol import Redrive
from shared.contracts.retention import Lapse
from shared.intake import AHEAD, BEHIND, admit

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def inbound(
    *,
    source: str = "web-shop",
    subject: str = "customer-1",
    after: timedelta = timedelta(0),
    data: Input | None = None,
) -> Inbound:
    said = data or Lapse()
    return Inbound("1", source, said.TYPE, subject, NOW + after, None, said, "digest")


def refusal(event: Inbound, now: datetime | None = NOW) -> tuple[str, str] | None:
    """Code and path; none: admitted."""
    try:
        admit(event, now=now)
    except Unreadable as error:
        return error.code, error.problems[0].path
    return None


@pytest.mark.parametrize("source", ["tenure/retention", "tenure/", "clock"])
def test_sources_of_the_system_are_refused(source: str) -> None:
    assert ("source-reserved", "source") == refusal(inbound(source=source))


@pytest.mark.parametrize("source", ["tenure", "clockwork", "shop/tenure/x", "Clock"])
def test_sources_that_only_look_alike_are_admitted(source: str) -> None:
    assert refusal(inbound(source=source)) is None


def test_an_operators_command_comes_from_the_system_itself() -> None:
    assert refusal(inbound(source="tenure/operator", data=Redrive())) is None


def test_a_clock_may_run_fast_up_to_the_tolerance_and_no_further() -> None:
    assert refusal(inbound(after=AHEAD)) is None
    assert ("time-in-future", "time") == refusal(inbound(after=AHEAD + TICK))


def test_what_is_old_has_to_say_that_it_is_an_import() -> None:
    assert refusal(inbound(after=-BEHIND)) is None
    assert ("too-old", "time") == refusal(inbound(after=-BEHIND - TICK))
    assert refusal(inbound(after=-BEHIND - TICK, data=Lapse(imported=True))) is None


@pytest.mark.parametrize("years", [-30, 30])
def test_a_history_may_be_of_any_time(years: int) -> None:
    assert refusal(inbound(after=timedelta(days=365 * years)), now=None) is None


def test_a_history_may_not_use_the_sources_of_the_system_either() -> None:
    assert ("source-reserved", "source") == refusal(inbound(source="clock"), now=None)


def test_a_stricter_door_admits_nothing_that_the_inbox_refuses_a_moment_later() -> None:
    margin = timedelta(minutes=1)
    for after in (AHEAD - margin, -(BEHIND - margin)):
        event = inbound(after=after)
        admit(event, now=NOW, ahead=AHEAD - margin, behind=BEHIND - margin)
        for other_clock in (NOW - margin, NOW + margin):
            assert refusal(event, now=other_clock) is None


@pytest.mark.parametrize("subject", ["measures", "measures/0", "measures/17"])
def test_what_is_kept_for_measures_is_for_nothing_else(subject: str) -> None:
    assert ("wrong-subject", "subject") == refusal(inbound(subject=subject))
    assert refusal(inbound(source="tenure/operator", subject=subject, data=Redrive())) is None


@pytest.mark.parametrize("subject", ["measure", "measures-of-man", "Measures/1", "customer-1"])
def test_subjects_that_only_look_like_that_of_measures_are_admitted(subject: str) -> None:
    assert refusal(inbound(subject=subject)) is None


@pytest.mark.parametrize("subject", ["customer-1", "measures/0", "measures/"])
def test_measures_have_the_one_subject_that_is_theirs(subject: str) -> None:
    none = Measures(measures=())
    assert ("wrong-subject", "subject") == refusal(inbound(subject=subject, data=none))
    assert refusal(inbound(subject="measures", data=none)) is None

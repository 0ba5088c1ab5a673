"""A customer who swings around the threshold of a sign for a month gives one alert, from the events to the message."""

import pytest

from services.analytics.core import Core, Output, Rules
from services.analytics.rules import Change
from tests.unit.attrition import course, every, observation, play

SILENT, SWINGING = 200, 254  # days; just as the silence becomes a sign, there is a contact now and then
CONTACT = Change(5.65, 0.02)  # the days are chosen for it
CLEAR = CONTACT.strength - 0.01  # next to no room between up and down
CALM = Rules(contact=CONTACT)
TOUCHY = Rules(contact=CONTACT, change_clear=CLEAR)
FORGETFUL = Rules(contact=CONTACT, change_clear=CLEAR, dwell_days=0.01, reopen_days=0.01)


def swung(rules: Rules, days: tuple[int, ...] = (3, 10, 17, 24)) -> list[Output]:
    """Of a customer who was in touch every third day, and goes on asking."""
    contacts = [observation("contact", SWINGING + number + 0.4) for number in days]
    asked = every(3, "enquiry", 0, SWINGING + 30)
    return play(every(3, "contact", 0, SILENT), contacts, asked, until=SWINGING + 30, core=Core(rules))


def test_without_a_dwell_time_it_would_be_three_alerts() -> None:
    assert course(swung(FORGETFUL)) == ["raised", "cleared"] * 3


@pytest.mark.parametrize("rules", [CALM, TOUCHY])
def test_a_sign_that_comes_and_goes_within_a_month_gives_one_alert_and_is_said_once(rules: Rules) -> None:
    assert course(swung(rules)) == ["raised"]


@pytest.mark.parametrize("days", [(0,), (0, 14, 28), (1, 2, 15, 16), (3, 4, 5, 17, 18, 19), tuple(range(0, 30, 4))])
def test_whichever_days_they_are_there_is_one_alert_and_nothing_is_said_twice(days: tuple[int, ...]) -> None:
    assert course(swung(CALM, days)) in (["raised"], ["raised", "cleared"])

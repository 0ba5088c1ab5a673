"""Rules of one's own are put to work as they were tried: the same text, read by the same reader."""

import pytest
from pydantic import ValidationError

from services.analytics.rules import Rules, read_rules
from services.analytics.settings import Settings

OURS = 'name = "ours"\nmost_a_week = 50\n[risk_raise_of]\ntrade = 0.7\n'


def test_a_service_goes_by_the_rules_of_the_release_unless_it_is_given_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Rules() == Settings().judge_by()
    monkeypatch.setenv("ANALYTICS_RULES", OURS)
    assert read_rules(OURS) == Settings().judge_by()
    assert ("ours", 0.7) == (Settings().judge_by().name, Settings().judge_by().raised_at("trade"))


def test_a_name_stands_for_all_figures_however_the_file_is_written() -> None:
    turned_round = 'most_a_week = 50\nname = "ours"\nrisk_raise = 0.5\n[risk_raise_of]\ntrade = 0.70\n'
    assert read_rules(OURS).version == read_rules(turned_round).version
    others = {read_rules(text).version for text in (OURS, OURS.replace("0.7", "0.71"), OURS.replace("50", "51"))}
    assert 3 == len(others)


def test_a_service_does_not_start_by_rules_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_RULES", "most_a_week = 50")
    with pytest.raises(ValidationError, match="name: say one that is not 'r1'"):
        Settings()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("risk_raise = 7", "risk_raise: expected a risk above risk_clear"),
        ("risk_raise = 0.3", "risk_raise: expected a risk above risk_clear"),
        ("risk_deep = 0.4", "risk_deep"),
        ("[risk_raise_of]\ntrade = 1.5", "risk_raise_of.trade"),
        ("buyers_gone_raise = 0.1", "buyers_gone_raise: expected a share above 0.2"),
        ("[lapse]\nstrength = 3.6", "lapse.strength: expected more than change_clear"),
    ],
)
def test_rules_by_which_nobody_would_be_told_of_or_cleared_at_once_are_refused(said: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_rules(f'name = "ours"\n{said}\n')


def test_the_rules_of_the_release_would_be_taken_themselves() -> None:
    assert Rules(name="ours") == read_rules('name = "ours"')

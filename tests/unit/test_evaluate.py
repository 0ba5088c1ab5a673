"""`tenure evaluate`: were the alerts of a log right? Gathered from records, copies and all."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from typer import Exit

from cli.backtesting import options
from cli.backtesting.log_past import LogPast
from cli.errors import OUTCOME
from cli.evaluate import tell
from services.analytics.outcomes import Band, Past, Raised, calibration
from services.analytics.rules import Target
from shared.contracts.analytics import read_alert
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.tick import write_tick
from shared.contracts.values import to_micros
from shared.topics import ALERTS, CUSTOMER_EVENTS
from tests.story_log import END, story_alerts, story_facts
from tests.unit.attrition import day
from tests.unit.cli_records import Stored, record


def log(*, copies: int = 1) -> list[Stored]:
    """The story's, with the ticks of all three services at its end."""
    facts = [record(fact, topic=CUSTOMER_EVENTS, key=b"customer") for fact in story_facts()]
    ticks = [record(write_tick(f"tenure/{service}", END), topic=CUSTOMER_EVENTS) for service in DOMAIN_SERVICES]
    return (facts + ticks + [record(alert, topic=ALERTS, key=b"customer") for alert in story_alerts()]) * copies


def gathered(records: Sequence[Stored], target: Target = "purchase") -> LogPast:
    found = LogPast(target)
    for one in records:
        found.take(one)
    return found


def test_what_was_raised_bought_and_until_when_is_read_from_the_log() -> None:
    found = gathered(log())
    raised = [read_alert(raw) for raw in story_alerts() if b"alert-raised" in raw]
    assert [Raised(a.subject, to_micros(a.time), a.data.risk) for a in raised] == found.raised[raised[0].data.rules]
    assert to_micros(END) == found.clock()
    purchases = [fact for fact in story_facts() if b"purchase-recorded" in fact]
    assert sum(map(len, found.occasions().values())) == len(purchases)


def test_of_rules_whose_lapse_is_the_absence_of_contacts_those_that_customers_began_count() -> None:
    contacts = [fact for fact in story_facts() if b"contact-recorded" in fact]
    begun = [fact for fact in contacts if b'"direction":"outbound"' not in fact]
    assert 0 < len(begun) < len(contacts)
    found = gathered(log(), target="contact")
    assert sum(map(len, found.occasions().values())) == len(begun)


def test_copies_change_nothing() -> None:
    once, twice = gathered(log()), gathered(log(copies=2))
    assert (once.raised, once.occasions(), once.clock()) == (twice.raised, twice.occasions(), twice.clock())


def test_what_is_no_record_of_ours_is_counted_and_hides_nothing() -> None:
    junk = [record(b'{"type": "tenure.purchase-recorded.v1"}', topic=CUSTOMER_EVENTS, key=b"x")]
    with_junk, without = gathered(junk + log()), gathered(log())
    assert (1, 0) == (with_junk.unreadable, without.unreadable)
    assert without.raised == with_junk.raised


def test_before_all_services_have_spoken_nothing_is_known() -> None:
    assert 0 == gathered([one for one in log() if one.value is None or b"tenure/retention" not in one.value]).clock()


def test_a_risk_is_held_against_the_share_that_came_true() -> None:
    past = Past({"a": [day(0)], "b": [day(0), day(40)]}, until=day(100), horizon_days=30)
    alerts = [
        Raised("a", day(20), 0.82),
        Raised("b", day(20), 0.86),
        Raised("a", day(60), 0.97),
        Raised("a", day(90), 0.3),
    ]
    assert [Band(0.8, 0.9, 2, 0.84, 0.5), Band(0.95, 1.001, 1, 0.97, 1.0)] == calibration(past, alerts)


def test_of_each_version_it_is_said_what_came_of_its_alerts(capsys: pytest.CaptureFixture[str]) -> None:
    found = gathered(log())
    tell(found, 60, options.Target.PURCHASE, as_json=True)
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    [(rules, raised)] = found.raised.items()
    outcome = Past(found.occasions(), until=found.clock(), horizon_days=60).outcome(raised)
    assert (rules, outcome.alerts, outcome.right, outcome.precision) == tuple(
        document[name] for name in ("rules", "alerts", "right", "precision")
    )
    tell(found, 60, options.Target.PURCHASE, as_json=False)
    table = capsys.readouterr().out
    assert f"{outcome.precision:.1%}" in table
    assert "came true" in table


def test_a_log_without_alerts_has_nothing_to_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exit) as ended:
        tell(LogPast(), 60, options.Target.PURCHASE, as_json=False)
    assert (OUTCOME, "No alert has been raised yet.\n") == (ended.value.exit_code, capsys.readouterr().err)

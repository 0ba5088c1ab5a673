"""The alerts of a history depend on the file: not on batches, partitions, or who of the services is fast."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.backtesting.history import Tally, outputs
from cli.main import app
from cli.sending.run import Progress
from cli.topic_reader import read_to_end
from services.analytics.population.results import Results
from services.analytics.replay import Replay
from services.analytics.rules import Rules
from shared.broker import Record
from shared.contracts.analytics import (
    Alert,
    AttritionAlertAcknowledged,
    AttritionAlertEscalated,
    AttritionAlertRaised,
    AttritionAlertReopened,
    AttritionAlertSnoozed,
    Sign,
    read_alert,
)
from shared.topics import POPULATION
from tests.proofs import unproven
from tests.system.chain import CATALOGUE_AT, Chain, Outcome, customers_of, deployment, excerpt, undisturbed

pytestmark = pytest.mark.system

OTHER_BATCHES = {"TENURE_MAX_RECORDS": "37", "ANALYTICS_MAX_RECORDS": "101", "PROJECTION_MAX_RECORDS": "53"}
OTHER_PARTITIONS = 4
TURNS = ("retention", "analytics", "interaction", "projection", "acquisition", "retention")
HELD_S = 2.0  # each; the sender needs that long for what it sends meanwhile


class TakingTurns:
    """While a file is sent, one service after the other stands still."""

    def __init__(self, chain: Chain, events: int) -> None:
        self._chain, self._events = chain, events
        self._held: list[str] = []  # in order; the last one stands

    def __call__(self, progress: Progress) -> None:
        if len(self._held) < len(TURNS) and progress.report.sent >= self._events * len(self._held) / len(TURNS):
            self.release()
            self._held.append(TURNS[len(self._held)])
            self._chain.signal(self._held[-1], signal.SIGSTOP)

    def release(self) -> None:
        if self._held:
            self._chain.signal(self._held[-1], signal.SIGCONT)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A deployment of another shape, in which the excerpt was sent while services were held back."""
    folder: Path = tmp_path_factory.mktemp("state")
    with deployment(folder, partitions=OTHER_PARTITIONS, env=OTHER_BATCHES) as chain:
        lines = excerpt()
        turns = TakingTurns(chain, len(lines))
        chain.send(lines, rate=len(lines) / (HELD_S * len(TURNS)), on_progress=turns)
        turns.release()
        chain.settle()
        yield chain


@pytest.fixture(scope="module")
def outcome(other: Chain) -> Outcome:
    return other.outcome(customers_of(excerpt()))


def alerts() -> list[Alert]:
    return [read_alert(raw) for raw in undisturbed().alerts.values()]


def test_the_excerpt_gives_alerts_of_several_signs() -> None:
    signs = {sign.sign for alert in alerts() for sign in alert.data.signs}
    assert len(alerts()) >= 10
    assert {Sign.ATTRITION, Sign.COMPLAINT_INCREASE, Sign.ACTIVE_BUYERS_DECLINE} <= signs


def test_alerts_go_by_the_catalogue_from_its_instant_on_and_all_partitions_alike() -> None:
    advice = {(alert.data.as_of, found) for alert in alerts() if (found := alert.data.recommended)}
    before = {found.name for at, found in advice if found.catalogue is None}
    brought = {found.name for at, found in advice if found.catalogue is not None}
    assert {"call in EUR", "call in USD", "remedy"} == brought
    assert before.isdisjoint(brought)
    assert max(at for at, found in advice if found.catalogue is None) < CATALOGUE_AT
    assert min(at for at, found in advice if found.catalogue) == CATALOGUE_AT


def test_alerts_tell_in_which_order_two_services_were_heard() -> None:
    raised = [alert for alert in alerts() if alert.subject.startswith("divided-") and alert.id == alert.data.alert]
    assert sum(alert.data.signs[0].sign is Sign.COMPLAINT_INCREASE for alert in raised) >= 10


def test_alerts_are_acknowledged_or_snoozed_and_told_again_when_the_snooze_ends() -> None:
    lives: dict[str, list[str]] = {}
    for alert in sorted(alerts(), key=lambda alert: alert.sequence):
        lives.setdefault(alert.subject, []).append(alert.type)
    acknowledged = [AttritionAlertRaised.TYPE, AttritionAlertAcknowledged.TYPE, AttritionAlertEscalated.TYPE]
    snoozed = [AttritionAlertRaised.TYPE, AttritionAlertSnoozed.TYPE, AttritionAlertReopened.TYPE]
    begun = [life[:3] for customer, life in lives.items() if customer.startswith("divided-")]
    assert begun.count(acknowledged) >= 5
    assert begun.count(snoozed) >= 5


def test_whatever_proves_an_alert_stands_on_the_timeline_of_its_customer() -> None:
    assert [] == unproven(undisturbed().alerts.values(), undisturbed().timelines.__getitem__)


def test_batches_partitions_and_speeds_change_no_byte_of_an_alert(outcome: Outcome) -> None:
    assert undisturbed().alerts == outcome.alerts


def test_a_back_test_of_the_file_says_byte_for_byte_what_the_deployment_said(tmp_path: Path) -> None:
    file, said = tmp_path / "events.jsonl", tmp_path / "messages.jsonl"
    file.write_bytes(b"\n".join(line.body for line in excerpt()))
    assert 0 == CliRunner().invoke(app, ["backtest", "--events", str(file), "--messages", str(said)]).exit_code
    assert undisturbed().alerts == {read_alert(raw).id: raw for raw in said.read_bytes().splitlines()}


def test_the_base_is_fitted_to_alike_by_a_file_and_by_any_deployment(other: Chain) -> None:
    records: list[Record] = []
    asyncio.run(read_to_end(other.stack.kafka, [POPULATION], records.append))
    published = Results(Rules())
    published.take(records)
    replay = Replay(Rules(), is_scored=False)
    list(outputs(excerpt(), replay, Tally()))
    of_file = {week: result for week, result in replay.results.items() if result.customers}
    assert of_file == {week: published.by_week.get(week) for week in of_file}
    models = [result.model for result in of_file.values()]
    assert any(model is not None and model.hazard is not None for model in models)
    assert any(model is not None and model.stack is not None for model in models)


def test_the_log_tells_of_the_alerts_what_the_file_does(other: Chain, tmp_path: Path) -> None:
    file, ours = tmp_path / "events.jsonl", tmp_path / "ours.toml"
    file.write_bytes(b"\n".join(line.body for line in excerpt()))
    ours.write_text('name = "ours"')
    by_file = ["rules", "compare", Rules().name, str(ours), "--events", str(file), "--json"]
    compared = json.loads(CliRunner().invoke(app, by_file).stdout)["rules"][Rules().name]
    [evaluated] = map(json.loads, other.tenure("evaluate", "--json").stdout.splitlines())
    assert compared == {name: evaluated[name] for name in compared}
    assert compared["alerts"] >= 10


def test_batches_partitions_and_speeds_change_no_timeline(outcome: Outcome) -> None:
    assert undisturbed().timelines == outcome.timelines


def test_the_same_command_a_second_time_ticks_and_all_changes_nothing(other: Chain, outcome: Outcome) -> None:
    other.send(excerpt())
    other.settle()
    assert outcome == other.outcome(customers_of(excerpt()))
    assert all(2 * b["recorded"] == b["received"] for b in other.audit()["channels"] if "/" not in b["channel"])

"""In wall time silence speaks by itself: an alert comes when its hour has come, though nothing arrives any more.

The rules judge in days, so the customers bring their past with them: a deployment begins in history, takes it in, and
passes over to wall time. One customer's silence becomes an alert every few seconds from then on.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from deploy.local import parts
from deploy.local.stack import LocalStack
from shared.contracts.analytics import Alert, AttritionAlertRaised, Sign, read_alert
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.values import parse_time
from shared.topics import ALERTS, inbox
from tests.system.chain import Chain, deployment, the_one, until
from tests.system.ground import Ground
from tests.system.lives import Life, life, line

pytestmark = pytest.mark.system

GRID = timedelta(seconds=2)
TICK_S = 1
APART = timedelta(seconds=5)  # between two customers' alerts
LIVES = 40  # over three minutes: the services need some seconds to change over, on a busy machine many
WITHIN_S = 60  # far more than it takes
IMPORTED = timedelta(days=300)


class Wall:
    """A deployment in wall time, with customers whose silence becomes alerts one after another."""

    def __init__(self, chain: Chain, lives: Sequence[Life]) -> None:
        self.chain, self.lives = chain, lives

    def alerts(self, customer: str) -> list[Alert]:
        return [alert for copies in self.chain.copies(ALERTS).values() if (alert := _read(copies)).subject == customer]

    def alert(self, customer: str) -> Alert:
        """The first, as soon as it is there."""
        return until(lambda: self.alerts(customer), WITHIN_S, f"an alert for {customer}")[0]

    def clock(self) -> datetime:
        answer = httpx.get(self.chain.stack.deployment.url("analytics") + "/v1/clock", trust_env=False).json()
        return parse_time(answer["clock"])

    def received(self) -> int:
        return sum(record.key is not None for record in self.chain.records(*map(inbox, DOMAIN_SERVICES)))

    def pass_time(self) -> datetime:
        """Returns when all that is there by now has been read and what was due by now has been judged."""
        now = datetime.now(UTC)
        self.chain.settle()
        until(lambda: self.clock() > now + GRID, WITHIN_S, f"the clock has passed {now} by more than a step")
        return self.clock()

    def next_life(self) -> Life:
        """The first whose hour is still to come, and not at once."""
        soon = self.pass_time() + 2 * GRID
        return next(one for one in self.lives if one.crossing > soon)


@pytest.fixture(scope="module")
def wall(on: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    folder: Path = tmp_path_factory.mktemp("state")
    with deployment(folder, partitions=2, grid_s=GRID.total_seconds(), tick_s=TICK_S, **on) as history:
        begin = datetime.now(UTC)
        lives = [life(f"silent-{n:02}", begin + n * APART) for n in range(LIVES)]
        lines = sorted((line for one in lives for line in one.lines()), key=lambda line: line.at)
        history.send(lines, history=False)
        history.advance(lines[-1].at + timedelta(days=1))
        history.settle()
        history.stack.pass_over()
        yield Wall(history, lives)


def test_of_a_customer_who_falls_silent_the_instant_is_told_though_nothing_arrives(wall: Wall) -> None:
    silent, received = wall.next_life(), wall.received()
    assert [] == wall.alerts(silent.customer)
    alert = wall.alert(silent.customer)
    assert (AttritionAlertRaised.TYPE, [Sign.ATTRITION]) == (alert.type, [sign.sign for sign in alert.data.signs])
    assert silent.crossing == alert.time
    assert received == wall.received()


def test_an_alert_whose_instant_came_while_the_services_were_away_bears_that_instant(wall: Wall) -> None:
    missed = wall.lives[0]
    alert = wall.alert(missed.customer)
    assert missed.crossing == alert.time


def test_what_arrives_is_judged_at_its_own_time(wall: Wall) -> None:
    now = datetime.now(UTC)
    complaints = [line(f"fault-{n}", "angry", "complaint", now - timedelta(minutes=3 - n)) for n in range(3)]
    wall.chain.send(complaints, history=False)
    alert = wall.alert("angry")
    assert [Sign.COMPLAINT_INCREASE] == [sign.sign for sign in alert.data.signs]
    assert complaints[-1].at == alert.time


def test_an_import_of_the_past_is_told_on_the_timeline_and_judged_by_nobody(wall: Wall) -> None:
    past = life("imported", wall.lives[0].crossing - IMPORTED)
    wall.chain.send(past.lines(**{"import": True}), history=False)
    wall.pass_time()
    told = wall.chain.timelines(["imported"], type="purchase-recorded")["imported"]
    assert [at for at, _ in past.purchases] == [parse_time(item["time"]) for item in told]
    assert [] == wall.alerts("imported")


def test_the_same_log_read_twice_gives_the_same_alerts(wall: Wall, tmp_path: Path) -> None:
    wall.alert(wall.lives[0].customer)
    with analytics_again(wall.chain.stack, tmp_path):
        known = wall.chain.copies(ALERTS)
        until(
            lambda: all(len(copies) >= 2 for id_, copies in wall.chain.copies(ALERTS).items() if id_ in known),
            WITHIN_S,
            "every alert has been said twice",
        )
    for copies in wall.chain.copies(ALERTS).values():
        assert len(copies) <= 2
        the_one(copies)


@contextmanager
def analytics_again(stack: LocalStack, folder: Path) -> Iterator[None]:
    """A second analytics beside the first, with a group and a state of its own."""
    env = {**parts.environment("analytics", stack.deployment), "ANALYTICS_NAME": "again", "TENURE_PORT": "0"}
    with (folder / "again.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "services.analytics"], env=env, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def _read(copies: Sequence[bytes]) -> Alert:
    return read_alert(the_one(copies))

"""Services are killed in the middle of the stream: what comes out is what comes out of a run that nobody disturbs."""

from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from tests.platforms import APACHE_KAFKA, EMBEDDED
from tests.system.chain import Chain, deployment, excerpt, undisturbed, until
from tests.system.ground import CONTAINERS, Ground, ground

pytestmark = pytest.mark.system

VICTIMS = ("retention", "gateway", "projection", "interaction", "analytics", "acquisition")
ALONE = ("retention", "interaction", "acquisition")  # the others wait for these at every tick: one after another


@pytest.fixture(scope="module", params=[EMBEDDED, APACHE_KAFKA, pytest.param(CONTAINERS, marks=pytest.mark.long)])
def on(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """Of the tests that run on each ground these run on Apache Kafka every time: they ask most of it."""
    with ground(request.param) as wishes:
        yield wishes


@pytest.fixture(scope="module")
def chain(on: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("state")
    with deployment(folder, partitions=3, env={"GATEWAY_ANSWER_S": "5"}, **on) as chain:
        yield chain


def test_every_service_killed_in_mid_stream_changes_no_timeline_and_no_alert(chain: Chain) -> None:
    kills = [partial(chain.kill_and_restart, victim, await_ready=victim in ALONE) for victim in VICTIMS]
    assert undisturbed() == chain.come_through(excerpt(), kills)


def test_the_books_balance_after_the_kills(chain: Chain) -> None:
    books = chain.audit()
    assert (True, 0) == (books["balanced"], books["in_flight"])
    shop = [account for account in books["channels"] if account["channel"] == "web-shop"]
    assert sum(account["recorded"] for account in shop) == sum(b'"web-shop"' in line.body for line in excerpt())


def test_without_its_broker_the_gateway_says_so_and_accepts_nothing(chain: Chain) -> None:
    if not chain.stack.deployment.brokers:
        pytest.skip("the broker is none of this deployment's processes")
    chain.stack.kill("broker")
    with httpx.Client(headers={"Authorization": f"Bearer {chain.stack.key}"}, timeout=60, trust_env=False) as client:
        answer = client.post(
            f"{chain.stack.gateway_url}/v1/events",
            content=excerpt()[0].body,
            headers={"Content-Type": "application/cloudevents+json"},
        )
        assert (503, "not-acknowledged") == (answer.status_code, answer.json()["code"])
        assert "send it again" in answer.json()["detail"]
        retention = chain.stack.deployment.url("retention")
        until(lambda: client.get(f"{retention}/readyz").status_code == 503, 30, "retention says that it is not ready")
    [death] = chain.stack.deaths()
    assert ("Nothing is lost" if chain.stack.keeps("broker") else "The embedded broker keeps nothing") in death.advice

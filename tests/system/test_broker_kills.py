"""The one node of Apache Kafka is killed in the middle of the stream and comes back: what it acknowledged is there."""

from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from tests.system.chain import Chain, deployment, excerpt, undisturbed, until
from tests.system.ground import native_nodes

pytestmark = pytest.mark.system

KILLS = 2
ANSWER_S = "3"  # the gateway waits no longer for an acknowledgement, so that the sender asks again soon


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder, nodes = tmp_path_factory.mktemp("state"), native_nodes(1)
    with deployment(folder, kafka_nodes=nodes, partitions=3, env={"GATEWAY_ANSWER_S": ANSWER_S}) as chain:
        yield chain


def test_the_broker_killed_in_mid_stream_and_brought_back_changes_no_timeline_and_no_alert(chain: Chain) -> None:
    kill = partial(chain.kill_and_restart, "broker", await_ready=False)  # the sender and all services find it gone
    assert undisturbed() == chain.come_through(excerpt(), [kill] * KILLS)


def test_the_books_balance_after_the_broker_was_killed(chain: Chain) -> None:
    books = chain.audit()
    assert (True, 0) == (books["balanced"], books["in_flight"])


def test_while_it_is_away_every_service_says_that_it_is_not_ready_and_is_again_when_it_is_back(chain: Chain) -> None:
    services = [status.name for status in chain.stack.status() if status.address.startswith("http")]
    with httpx.Client(timeout=10, trust_env=False) as client:

        def answering(code: int) -> set[str]:
            return {s for s in services if client.get(f"{chain.stack.deployment.url(s)}/readyz").status_code == code}

        assert set(services) == answering(200)
        chain.stack.kill("broker")
        [death] = chain.stack.deaths()
        assert "Nothing is lost" in death.advice
        until(lambda: "retention" in answering(503), 60, "retention says that it is not ready")
        chain.stack.start("broker")
        until(lambda: set(services) == answering(200), 60, "all are ready again")

"""Three nodes of Apache Kafka, one of which is always in trouble: the same alerts and timelines as with none at all."""

import asyncio
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pydantic import SecretStr

from cli.data import CDNOW, STORY
from cli.sending.lines import Line, merge_lines, open_lines, read_lines
from deploy.local.stack import LocalStack
from shared.broker import Outgoing
from shared.kafka_publisher import KafkaPublisher, kafka_publisher
from shared.profile import ProfileName
from shared.settings import Platform
from shared.topics import inbox
from tests.system.chain import SOURCE, Chain, Outcome, deployment, excerpt, undisturbed
from tests.system.ground import native_nodes

pytestmark = [pytest.mark.system, pytest.mark.long]

NODES = 3
BROKERS = [f"broker-{n}" for n in range(1, NODES + 1)]
STILL_S = 15.0  # longer than a node's session with the controllers, 9 s, and than a service's with its group, 6 s
RECORDS = 200
ENV = {"GATEWAY_ANSWER_S": "5"}


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with deployment(tmp_path, kafka_nodes=native_nodes(NODES), partitions=3, env=ENV) as chain:
        yield chain


def the_demo() -> list[Line]:
    """What `tenure demo` replays."""
    return list(merge_lines(*(read_lines(open_lines(file), source=SOURCE) for file in (CDNOW, STORY))))


def come_through(chain: Chain, lines: Sequence[Line], troubles: Sequence[partial[None]] = ()) -> Outcome:
    """What became of it; the books have to balance."""
    outcome = chain.come_through(lines, troubles)
    books = chain.audit()
    assert (True, 0) == (books["balanced"], books["in_flight"])
    return outcome


def test_the_demo_gives_the_same_alerts_and_timelines_on_three_nodes_as_on_the_embedded_broker(chain: Chain) -> None:
    lines = the_demo()
    with tempfile.TemporaryDirectory() as folder, deployment(Path(folder), partitions=3) as embedded:
        expected = come_through(embedded, lines)
    outcome = come_through(chain, lines)
    assert expected.alerts == outcome.alerts
    assert expected.timelines == outcome.timelines


def test_one_node_killed_and_another_that_stands_still_change_nothing(chain: Chain) -> None:
    with standing_still(chain) as stand_still:
        killed = [partial(chain.stack.kill, "broker-2"), partial(chain.stack.start, "broker-2")]
        outcome = come_through(chain, excerpt(), [*killed, partial(stand_still, "broker-3")])
    assert undisturbed() == outcome


def test_every_node_restarted_one_after_the_other_changes_nothing(chain: Chain) -> None:
    outcome = come_through(chain, excerpt(), [partial(chain.stack.restart, broker) for broker in BROKERS])
    assert undisturbed() == outcome


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["asked to go", "killed"])
async def test_a_publisher_goes_on_in_order_while_the_leader_of_its_partition_moves(
    end: signal.Signals, tmp_path: Path
) -> None:
    with LocalStack(tmp_path, kafka_nodes=native_nodes(NODES), free_ports=True, partitions=1, services=()) as stack:
        profile, mongo = ProfileName(stack.deployment.profile), SecretStr(stack.mongo)
        platform = Platform(kafka=stack.kafka, mongo=mongo, profile=profile, partitions=1)
        topic = inbox("retention")
        async with kafka_publisher(platform) as publisher:
            await publisher.publish([[Outgoing(topic, 0, None, b"0")]])
            leader, moved = await leader_of(topic, stack), asyncio.Event()
            publishing = asyncio.create_task(publish_until(moved, publisher, topic))
            stack.folder.processes()[leader].signal(end)
            while await leader_of(topic, stack) in (leader, ""):
                assert not publishing.done(), publishing
            moved.set()
            last = await publishing
        values = [record.value for record in await asyncio.to_thread(Chain(stack).records, topic)]
    assert [b"%d" % n for n in range(last + 1)] == values


async def publish_until(moved: asyncio.Event, publisher: KafkaPublisher, topic: str) -> int:
    """Number after number, each when the one before it is acknowledged, and some more when the leader has moved.
    Answers the last."""
    number = 0
    while not moved.is_set() or number % RECORDS:
        number += 1
        await publisher.publish([[Outgoing(topic, 0, None, b"%d" % number)]])
    return number


@contextmanager
def standing_still(chain: Chain) -> Iterator[Callable[[str], None]]:
    """Stops a process where it is, for STILL_S; the block does not end before it goes on."""
    going_on: list[threading.Timer] = []

    def stand_still(name: str) -> None:
        chain.signal(name, signal.SIGSTOP)
        timer = threading.Timer(STILL_S, chain.signal, (name, signal.SIGCONT))
        going_on.append(timer)
        timer.start()

    try:
        yield stand_still
    finally:
        for timer in going_on:
            timer.join()


async def leader_of(topic: str, stack: LocalStack) -> str:
    """Of its partition 0: the name of the process; empty while there is none, or none that tells."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    try:
        await admin.start()
        [told] = await admin.describe_topics([topic])
    except KafkaError:  # it asked a node that has gone
        return ""
    finally:
        await admin.close()
    [partition] = told["partitions"]
    return BROKERS[partition["leader"] - 1] if partition["leader"] > 0 else ""

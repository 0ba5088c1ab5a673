"""In wall time the time of a record is the broker's: no service starts on a topic that takes it from whoever sends."""

from collections.abc import Iterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.errors import LocalError
from deploy.local.servers import apart
from deploy.local.stack import LocalStack
from shared.kafka_topics import BROKERS_OWN, RECORD_TIME
from shared.topics import CUSTOMER_EVENTS, inbox
from tests.system.ground import native_nodes

pytestmark = pytest.mark.system

SENDERS = "CreateTime"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Apache Kafka with every topic as it should be, and no service yet."""
    folder, nodes = tmp_path_factory.mktemp("state"), native_nodes(1)
    with LocalStack(folder, time="wall", free_ports=True, kafka_nodes=nodes, partitions=2, services=()) as stack:
        yield stack


def set_record_time(stack: LocalStack, topic: str, kind: str) -> None:
    async def alter() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
        await admin.start()
        try:
            [answer] = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {RECORD_TIME: kind})])
            assert [0] == [code for code, *_ in answer.resources], answer
        finally:
            await admin.close()

    apart(alter())


@pytest.mark.parametrize(
    ("service", "topic"),
    [
        ("gateway", inbox("interaction")),
        ("retention", inbox("retention")),
        ("acquisition", CUSTOMER_EVENTS),
        ("analytics", CUSTOMER_EVENTS),
        ("projection", CUSTOMER_EVENTS),
    ],
)
def test_a_service_does_not_start_on_a_topic_that_takes_the_senders_time(
    stack: LocalStack, service: str, topic: str
) -> None:
    set_record_time(stack, topic, SENDERS)
    with pytest.raises(LocalError, match=f"{service} has stopped .exit code 1."):
        stack.start(service)
    said = stack.folder.log(service).read_text()
    assert f"{topic} would take it from whoever sends; set {RECORD_TIME}={BROKERS_OWN} on them" in said
    set_record_time(stack, topic, BROKERS_OWN)
    stack.start(service)
    stack.stop(service)

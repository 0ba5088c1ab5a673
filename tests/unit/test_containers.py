"""What containers of the tests are told, as far as it can be looked at without one."""

from pathlib import Path

import pytest

from deploy.local import apache_kafka
from deploy.local.apache_kafka import Node, Wire
from tests.containers import KAFKA_IMAGE, MONGODB_IMAGE, kafka_settings, members_script, variable

ADDRESSES = {"controller.quorum.voters", "listeners", "advertised.listeners", "listener.security.protocol.map"}


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("node.id", "KAFKA_NODE_ID"),
        ("log4j_config", "KAFKA_LOG4J__CONFIG"),
        ("some-thing.else", "KAFKA_SOME___THING_ELSE"),
    ],
)
def test_the_image_is_told_a_setting_in_its_own_manner(setting: str, name: str) -> None:
    assert name == variable(setting)


def test_the_container_is_the_version_that_runs_as_a_process_and_is_told_the_same() -> None:
    node = Node(1, 2, 3, Path("/unused"))
    process, container = apache_kafka.settings(node, [node], Wire()), kafka_settings("localhost:4")
    same = container.keys() - ADDRESSES
    assert {name: process[name] for name in same} == {name: container[name] for name in same}
    assert apache_kafka.version_of_kafka() == KAFKA_IMAGE.rpartition(":")[2]


def test_the_containers_are_those_of_the_compose_file() -> None:
    compose = (Path(__file__).parents[2] / "docker-compose.yml").read_text()
    assert [True, True] == [f"image: {image}@sha256:" in compose for image in (KAFKA_IMAGE, MONGODB_IMAGE)]


def test_each_member_of_a_replica_set_has_a_port_and_a_folder_of_its_own() -> None:
    script = members_script([1, 2])
    assert [1, 1] == [script.count(f"--port {port} ") for port in (1, 2)]
    assert [1, 1] == [script.count(f"--dbpath /data/{port} ") for port in (1, 2)]

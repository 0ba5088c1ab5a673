"""What can a deployment of the system tests stand on? The stand-ins, Apache Kafka as a process, or containers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from deploy.local.state import Given
from shared.profile import ProfileName
from tests.containers import kafka_container, mongodb, why_no_docker
from tests.platforms import APACHE_KAFKA, EMBEDDED
from tests.servers import why_no_native_kafka

CONTAINERS = "containers"
Ground = dict[str, Any]  # as LocalStack is told it
GROUNDS = [EMBEDDED, *(pytest.param(kind, marks=pytest.mark.long) for kind in (APACHE_KAFKA, CONTAINERS))]


@contextmanager
def ground(kind: str) -> Iterator[Ground]:
    """Of one deployment. Skips where it cannot be had here, with the reason."""
    if kind == CONTAINERS:
        if reason := why_no_docker():
            pytest.skip(f"no containers here: {reason}")
        with kafka_container({}) as kafka, mongodb() as mongo:
            yield {"given": Given(kafka, mongo, ProfileName.LOCAL)}
    else:
        yield {"kafka_nodes": native_nodes(1) if kind == APACHE_KAFKA else 0}


def native_nodes(count: int) -> int:
    """`count`; skips where there is no Java."""
    if reason := why_no_native_kafka():
        pytest.skip(f"no Apache Kafka as a process here: {reason}")
    return count

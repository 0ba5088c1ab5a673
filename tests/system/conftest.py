"""What the system tests stand on: the kinds of servers, and the embedded ones without a service for each module."""

from collections.abc import Iterator

import pytest

from deploy.local.stack import LocalStack
from tests.system.ground import GROUNDS, Ground, ground


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Broker and database, with all topics in two partitions."""
    with LocalStack(tmp_path_factory.mktemp("state"), free_ports=True, partitions=2, services=()) as stack:
        yield stack


@pytest.fixture(scope="module", params=GROUNDS)
def on(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """Whoever takes it runs once on each kind; one deployment of a module may stand on it."""
    with ground(request.param) as wishes:
        yield wishes

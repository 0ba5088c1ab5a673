"""What the system tests stand on: the embedded servers without a service, one pair for each module."""

from collections.abc import Iterator

import pytest

from deploy.local.stack import LocalStack


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Broker and database, with all topics in two partitions."""
    with LocalStack(tmp_path_factory.mktemp("state"), free_ports=True, partitions=2, services=()) as stack:
        yield stack

"""Servers that more than one suite needs, started once, when the first test asks for them."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import servers

settings.register_profile(
    "same every time", derandomize=True, database=None, deadline=None
)  # a run is red or green for all
settings.load_profile("same every time")


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded database. A test takes a database name of its own."""
    with servers.embedded_database(tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture(scope="session")
def broker_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded broker. A test takes topic and group names of its own."""
    with servers.embedded_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture(scope="session")
def mongodb_url() -> Iterator[str]:
    """MongoDB itself, where there is Docker."""
    if reason := servers.why_no_docker():
        pytest.skip(reason)
    with servers.mongodb() as url:
        yield url

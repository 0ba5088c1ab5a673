"""Servers that more than one suite needs, started once, when the first test asks for them."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import containers, servers

settings.register_profile(
    "same every time", derandomize=True, database=None, deadline=None
)  # a run is red or green for all
settings.load_profile("same every time")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was left out and why, each reason once."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, tests in sorted(reasons.items()):
        terminalreporter.write_line(f"left out, {tests} tests: {reason}")


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
def apache_kafka_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Apache Kafka itself, where there is Java or Docker. A test takes topic and group names of its own."""
    if reason := servers.why_no_apache_kafka():
        pytest.skip(reason)
    with servers.apache_kafka_broker(tmp_path_factory.mktemp("apache-kafka")) as address:
        yield address


@pytest.fixture(scope="session")
def mongodb_url() -> Iterator[str]:
    """MongoDB itself, where there is Docker."""
    if reason := containers.why_no_docker():
        pytest.skip(f"no MongoDB here: {reason}")
    with containers.mongodb() as url:
        yield url

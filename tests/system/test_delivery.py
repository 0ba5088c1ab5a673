"""A plain curl follows the alerts of a running deployment, whatever happens to the process that serves them."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from services.delivery.message import ENDED
from shared.broker import Record
from shared.topics import ALERTS
from tests.system.chain import Chain, deployment, excerpt, until
from tests.system.interruptions import Interruptions
from tests.unit.delivery import event_fields

pytestmark = pytest.mark.system

WITHIN_S = 60
PARTITIONS = 3
Event = Mapping[str, str]


class Curl:
    """`curl -N` on the stream, writing what it gets to a file."""

    def __init__(self, chain: Chain, file: Path, *arguments: str, query: str = "") -> None:
        url = f"{chain.stack.delivery_url}/v1/alerts/stream{query}"
        command = [
            "curl",
            "-sS",
            "-N",
            "--fail",
            "--noproxy",
            "*",
            "-H",
            f"X-API-Key: {chain.stack.key}",
            *arguments,
            url,
        ]
        self._file = file
        with file.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out)
        until(lambda: self.blocks(), WITHIN_S, "the stream is open")

    def blocks(self) -> list[Event]:
        """What has arrived whole, signs of life included."""
        *whole, _ = self._file.read_bytes().split(b"\n\n")
        return [event_fields(block) for block in whole]

    def messages(self) -> list[Event]:
        return [block for block in self.blocks() if "data" in block and block["event"] != ENDED]

    @property
    def last_id(self) -> str:
        return [block["id"] for block in self.blocks() if "id" in block][-1]

    def ended(self) -> int:
        """Its exit code, once the connection is over."""
        return self._process.wait(WITHIN_S)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with deployment(tmp_path_factory.mktemp("state"), partitions=PARTITIONS) as chain:
        yield chain


@pytest.fixture(scope="module")
def followed(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """The messages that a subscriber got while a history was sent and the delivery was killed in the middle of it."""
    folder, lines = tmp_path_factory.mktemp("curl"), excerpt()
    before, after = Curl(chain, folder / "before"), list[Curl]()

    def kill_and_come_back() -> None:
        until(before.messages, WITHIN_S, "an alert has arrived")
        chain.stack.kill("delivery")
        assert before.ended() != 0
        chain.stack.start("delivery")
        after.append(Curl(chain, folder / "after", "-H", f"Last-Event-ID: {before.last_id}"))

    chain.send(lines, on_progress=Interruptions(len(lines), [lambda: None, kill_and_come_back]))
    chain.settle()
    (came_back,) = after
    written = chain.records(ALERTS)
    until(lambda: len(before.messages() + came_back.messages()) >= len(written), WITHIN_S, "all alerts have arrived")
    came_back.stop()
    return [*before.messages(), *came_back.messages()]


def by_customer(values: Sequence[bytes]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for value in values:
        found.setdefault(json.loads(value)["subject"], []).append(value)
    return found


def values(records: Sequence[Record]) -> list[bytes]:
    return [record.value or b"" for record in records]


def test_over_a_kill_the_stream_has_what_the_topic_has_customer_by_customer(
    chain: Chain, followed: list[Event]
) -> None:
    written = values(chain.records(ALERTS))
    assert len(written) == len(followed) > 50
    assert by_customer(written) == by_customer([event["data"].encode() for event in followed])


@pytest.mark.usefixtures("followed")
def test_a_new_subscriber_gets_everything_from_the_beginning(chain: Chain, tmp_path: Path) -> None:
    written = values(chain.records(ALERTS))
    curl = Curl(chain, tmp_path / "all", query="?from=beginning")
    until(lambda: len(curl.messages()) >= len(written), WITHIN_S, "all alerts have arrived")
    curl.stop()
    assert by_customer(written) == by_customer([event["data"].encode() for event in curl.messages()])


def test_any_id_that_was_seen_gives_exactly_the_rest(chain: Chain, followed: list[Event], tmp_path: Path) -> None:
    written = values(chain.records(ALERTS))
    middle = len(followed) // 3
    curl = Curl(chain, tmp_path / "rest", query=f"?last_event_id={followed[middle - 1]['id']}")
    until(lambda: len(curl.messages()) >= len(written) - middle, WITHIN_S, "the rest has arrived")
    curl.stop()
    together = [*followed[:middle], *curl.messages()]
    assert by_customer(written) == by_customer([event["data"].encode() for event in together])


@pytest.mark.usefixtures("followed")
def test_a_stop_tells_its_readers_where_to_go_on(chain: Chain, tmp_path: Path) -> None:
    curl = Curl(chain, tmp_path / "stopped")
    chain.stack.stop("delivery")
    assert 0 == curl.ended()
    farewell = curl.blocks()[-1]
    assert (ENDED, {"reason": "stopping", "resume": curl.last_id}) == (farewell["event"], json.loads(farewell["data"]))
    chain.stack.start("delivery")


@pytest.mark.usefixtures("followed")
def test_no_log_shows_a_key(chain: Chain) -> None:
    secret = chain.stack.key.rpartition("_")[2]
    logs = (chain.stack.folder.path / "logs").glob("*.log")
    assert [] == [log.name for log in logs if secret in log.read_text()]

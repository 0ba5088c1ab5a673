"""A file goes through a real gateway into the inboxes: in order, once, with the ticks of its days."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from cli.errors import CliError
from cli.main import app
from cli.sending.bookmark import Bookmark
from cli.sending.door import Door, DoorShut
from cli.sending.lines import Line, read_lines
from cli.sending.run import Position, Progress, Report, send_events
from services.gateway.app import create_app
from services.gateway.settings import Settings
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.tick import read_tick
from shared.keys import MemoryKeyStore, Scope, issue
from shared.memory_broker import MemoryBroker
from shared.settings import Platform, TimeSource
from shared.topics import inbox
from tests.wiring.serving import serving

PARTITIONS = 3
DAYS = ("1997-01-01", "1997-01-01", "1997-01-02", "1997-01-04")
NOW = datetime(1997, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Gateway:
    """One that runs, over a broker in memory."""

    url: str
    key: str
    broker: MemoryBroker

    def client(self, *, key: str | None = None, transport: httpx.BaseTransport | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, transport=transport, trust_env=False)

    def inbox(self, service: str) -> list[list[str]]:
        """Per partition, in order: ids of events, and ticks as `=1997-01-02`, `!` behind the last."""
        topic = inbox(service)
        return [[_word(r.value) for r in self.broker.records(topic, p)] for p in range(PARTITIONS)]

    def events(self) -> list[str]:
        words = (word for service in DOMAIN_SERVICES for partition in self.inbox(service) for word in partition)
        return sorted(word for word in words if not word.startswith("="))


def _word(raw: bytes | None) -> str:
    tick = read_tick(raw or b"")
    if tick is None or tick.at is None:
        return str(json.loads(raw or b"")["id"])
    return f"={tick.at.date()}{'!' if tick.last else ''}"


@contextmanager
def serve(time_source: TimeSource, *scopes: Scope) -> Iterator[Gateway]:
    broker = MemoryBroker()
    for service in DOMAIN_SERVICES:
        broker.create_topic(inbox(service), PARTITIONS)
    platform = Platform(kafka="unused", mongo="mongodb://unused", time=time_source, partitions=PARTITIONS)
    key, text = issue("test", scopes or [Scope.SEND, Scope.HISTORY], ["*"], created=NOW)
    door = create_app(
        Settings(), platform, broker.publisher(), MemoryKeyStore(key), clock=lambda: NOW, monotonic=time.monotonic
    )
    with serving(door) as url:
        yield Gateway(url, text, broker)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with serve(TimeSource.HISTORY) as running:
        yield running


class Faulty(httpx.BaseTransport):
    """The way to the gateway, on which the first requests meet with these faults instead."""

    def __init__(self, *faults: httpx.Response | Exception) -> None:
        self.faults = list(faults)
        self.way = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self.faults:
            return self.way.handle_request(request)
        fault = self.faults.pop(0)
        if isinstance(fault, Exception):
            raise fault
        return fault


def purchase(number: int, day: str, **changes: Any) -> dict[str, Any]:
    line = {"id": f"p-{number}", "customer_id": f"c-{number % 2}", "type": "purchase", "time": f"{day}T10:00:00Z"}
    return {**line, "amount": "1.00", "currency": "EUR", "channel": "web", **changes}


def text_of(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


HISTORY = text_of(*(purchase(number, day) for number, day in enumerate(DAYS)))


def items(text: bytes = HISTORY) -> Iterator[Any]:
    return read_lines(text.splitlines(), source="web-shop")


def asleep(_: float) -> None:
    """Nobody waits in a test."""


@pytest.fixture
def tenure(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command, pointed at the gateway."""
    for name, value in {"STATE": str(tmp_path / "state"), "GATEWAY": gateway.url, "KEY": gateway.key}.items():
        monkeypatch.setenv(f"TENURE_{name}", value)
    return lambda *words, stdin=None: CliRunner().invoke(app, ["send", *map(str, words)], input=stdin)


def test_a_history_reaches_every_partition_day_by_day_with_its_ticks(gateway: Gateway) -> None:
    send_events(Door(gateway.client()), items(), history=True)
    ticks = ["=1997-01-01", "=1997-01-02", "=1997-01-03", "=1997-01-04", "=1997-01-05!"]
    for service in DOMAIN_SERVICES:
        assert [ticks] * PARTITIONS == [[w for w in p if w.startswith("=")] for p in gateway.inbox(service)]
    with_events = next(p for p in gateway.inbox("retention") if p != ticks)
    assert ["=1997-01-01", "p-0", "p-1", "=1997-01-02", "p-2", *ticks[2:4], "p-3", ticks[4]] == with_events


def test_the_report_counts_what_was_sent_accepted_and_ticked(gateway: Gateway) -> None:
    report = send_events(Door(gateway.client()), items(), history=True)
    assert (4, 4, 5, True) == (report.sent, report.accepted, report.ticks, report.complete)


def test_small_batches_keep_the_order_of_the_file(gateway: Gateway) -> None:
    lines = text_of(*(purchase(number, DAYS[0], customer_id="c-1") for number in range(25)))
    send_events(Door(gateway.client()), items(lines), batch_size=2)
    assert [[f"p-{number}" for number in range(25)]] == [p for p in gateway.inbox("retention") if p]


def test_what_the_gateway_refuses_is_named_and_its_neighbours_are_accepted(gateway: Gateway) -> None:
    lines = text_of(purchase(0, DAYS[0]), purchase(1, DAYS[0], source="tenure/x"), purchase(2, DAYS[0], amount="x"))
    report = send_events(Door(gateway.client()), items(lines))
    assert {"source-reserved": 1, "not-an-event": 1} == dict(report.refused)
    assert [(2, "p-1"), (3, "")] == sorted((p.line, p.id) for p in report.first_problems)
    assert ["p-0"] == gateway.events()


def test_a_batch_of_which_nothing_is_accepted_is_a_result_not_a_failure(gateway: Gateway) -> None:
    report = send_events(Door(gateway.client()), items(text_of(purchase(0, DAYS[0], customer_id=""))))
    assert (1, 0, {"invalid-envelope": 1}) == (report.sent, report.accepted, dict(report.refused))


def test_a_busy_gateway_is_asked_again_after_the_time_it_names(gateway: Gateway) -> None:
    slept: list[float] = []
    busy = httpx.Response(503, headers={"retry-after": "7"})
    door = Door(gateway.client(transport=Faulty(busy)), sleep=slept.append)
    assert (4, [7.0]) == (send_events(door, items()).accepted, slept)


def test_a_lost_connection_is_tried_again_after_growing_pauses(gateway: Gateway) -> None:
    slept: list[float] = []
    lost = Faulty(*(httpx.ConnectError("gone") for _ in range(4)))
    send_events(Door(gateway.client(transport=lost), sleep=slept.append), items())
    assert ["p-0", "p-1", "p-2", "p-3"] == gateway.events()
    assert all(0.25 * 2**n / 2 <= pause <= 0.25 * 2**n for n, pause in enumerate(slept))
    assert len(slept) == 4


def test_a_gateway_that_stays_away_is_given_up_with_a_sentence(gateway: Gateway) -> None:
    door = Door(gateway.client(transport=Faulty(*(httpx.ConnectError("gone") for _ in range(3)))), asleep, attempts=3)
    with pytest.raises(DoorShut, match=r"^The gateway at http\S+ cannot be reached \(gone\); 3 attempts were made\.$"):
        send_events(door, items())


def test_a_wrong_key_is_not_tried_again(gateway: Gateway) -> None:
    slept: list[float] = []
    with pytest.raises(DoorShut, match="401"):
        send_events(Door(gateway.client(key="tnr_x_y"), sleep=slept.append), items())
    assert [] == slept


def test_a_deployment_in_wall_time_refuses_a_history_before_an_event_is_sent() -> None:
    with serve(TimeSource.WALL) as gateway:
        with pytest.raises(DoorShut, match="wall time"):
            send_events(Door(gateway.client()), items(), history=True)
        assert [] == gateway.events()


@pytest.mark.parametrize("steps", range(1, 9))
def test_who_begins_again_after_an_interruption_sends_each_event_and_tick_once(gateway: Gateway, steps: int) -> None:
    position = interrupt_after(steps, Door(gateway.client()))
    report = send_events(Door(gateway.client()), items(), history=True, batch_size=1, start=position)
    assert ["p-0", "p-1", "p-2", "p-3"] == gateway.events()
    assert 5 * PARTITIONS == sum(w.startswith("=") for p in gateway.inbox("acquisition") for w in p)
    assert 4 == report.sent + report.skipped


def interrupt_after(steps: int, door: Door) -> Position:
    positions: list[Position] = []

    def watch(progress: Progress) -> None:
        positions.append(progress.position)
        if len(positions) == steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send_events(door, items(), history=True, batch_size=1, on_progress=watch)
    return positions[-1]


def test_a_report_handed_in_is_right_when_the_sending_breaks_off(gateway: Gateway) -> None:
    report = Report()
    refused = httpx.Response(403, json={"detail": "no"})
    ok = httpx.Response(202, json={"results": [{"status": "accepted"}], "accepted": 1, "refused": 0})
    with pytest.raises(DoorShut, match="no"):
        send_events(Door(gateway.client(transport=Faulty(ok, refused))), items(), batch_size=1, report=report)
    assert (1, 1) == (report.sent, report.accepted)


def test_a_rate_holds_the_sender_back(gateway: Gateway) -> None:
    waits: list[float] = []
    send_events(Door(gateway.client(), sleep=waits.append), items(), batch_size=1, rate=0.01)
    assert [0, 100, 200, 300] == [round(wait, -2) for wait in waits]


def test_the_command_sends_a_file_and_says_how_it_went(tenure: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(HISTORY)
    result = tenure(file, "--history", "--json")
    said = json.loads(result.stdout)
    assert (0, 4, 4, {}, 5) == (result.exit_code, said["sent"], said["accepted"], said["refused"], said["ticks"])


def test_the_command_reads_standard_input(tenure: Callable[..., Result], gateway: Gateway) -> None:
    assert 0 == tenure("-", stdin=HISTORY).exit_code
    assert ["p-0", "p-1", "p-2", "p-3"] == gateway.events()


def test_the_command_exits_with_1_when_something_was_refused(tenure: Callable[..., Result]) -> None:
    result = tenure("-", stdin=b"nonsense\n" + HISTORY)
    assert 1 == result.exit_code
    assert "line 1: not JSON" in result.stdout


def test_an_unsorted_history_is_refused_before_anything_is_sent(
    tenure: Callable[..., Result], gateway: Gateway
) -> None:
    result = tenure("-", "--history", stdin=b"\n".join(reversed(HISTORY.splitlines())))
    assert isinstance(result.exception, CliError)
    assert ("line 2 is older" in result.exception.message, "--sort" in result.exception.message) == (True, True)
    assert [] == gateway.events()


def test_a_history_can_be_sorted(tenure: Callable[..., Result], gateway: Gateway) -> None:
    assert 0 == tenure("-", "--history", "--sort", stdin=b"\n".join(reversed(HISTORY.splitlines()))).exit_code
    assert ["=1997-01-05!"] * PARTITIONS == [partition[-1] for partition in gateway.inbox("retention")]


def test_a_file_that_is_not_there_is_named(tenure: Callable[..., Result], tmp_path: Path) -> None:
    result = tenure(tmp_path / "absent.jsonl")
    assert isinstance(result.exception, OSError)
    assert str(tmp_path / "absent.jsonl") == result.exception.filename


def test_resume_goes_on_from_the_bookmark_and_removes_it(tenure: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(HISTORY)
    bookmark = Bookmark.of(file, manner="False|False|web-shop", folder=tmp_path / "state")
    bookmark.write(Position(events=3))
    said = json.loads(tenure(file, "--resume", "--json").stdout)
    assert (1, 3, False) == (said["sent"], said["skipped"], bookmark.path.exists())


def test_a_bookmark_belongs_to_one_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_bytes(HISTORY)
    other.write_bytes(HISTORY + b"\n")
    marks = [Bookmark.of(file, manner="", folder=tmp_path) for file in (one, other)]
    marks[0].write(Position(2, NOW))
    assert [Position(2, NOW), Position()] == [mark.read() for mark in marks]


def test_lines_are_numbered_as_in_the_file() -> None:
    assert [2, 4] == [
        item.number for item in items(b"\n" + HISTORY.splitlines()[0] + b"\n \n" + HISTORY) if isinstance(item, Line)
    ][:2]

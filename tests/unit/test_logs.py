"""Logs can be read by a machine, lead to the trace, and give no secret away."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from shared import logs
from shared.keys import Scope, issue

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class Lines:
    """What has been logged, a document a line."""

    def __init__(self) -> None:
        self.out = io.StringIO()

    def __iter__(self) -> Iterator[dict[str, object]]:
        return map(json.loads, self.out.getvalue().splitlines())


@pytest.fixture
def lines() -> Iterator[Lines]:
    root, said = logging.getLogger(), Lines()
    handlers, level = list(root.handlers), root.level
    root.handlers.clear()  # the test runner's own, which must not be closed
    logs.configure("retention", out=said.out)
    yield said
    sys.excepthook = sys.__excepthook__
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_says_what_when_how_grave_and_which_service(lines: Lines) -> None:
    structlog.get_logger().info("case_opened", customer_id="c-1")
    (line,) = lines
    assert ("case_opened", "info", "retention", "c-1") == tuple(
        line[name] for name in ("event", "level", "service", "customer_id")
    )
    assert str(line["timestamp"]).endswith("Z")


def test_a_library_speaks_in_the_same_form(lines: Lines) -> None:
    logging.getLogger("aiokafka.consumer").warning("partition %s is gone", 3)
    (line,) = lines
    assert ("partition 3 is gone", "warning", "retention", "aiokafka.consumer") == tuple(
        line[name] for name in ("event", "level", "service", "logger")
    )


def test_what_every_rebalance_makes_a_library_say_is_left_out(lines: Lines) -> None:
    logging.getLogger("aiokafka").error("Group Coordinator Request failed: GroupCoordinatorNotAvailableError")
    logging.getLogger("aiokafka").info("Heartbeat sent")
    assert [] == list(lines)


def test_what_a_library_repeats_is_said_once_in_a_while() -> None:
    now = [0.0]
    news = logs.News(lambda: now[0])

    def passes(node: int, level: int = logging.ERROR) -> bool:
        return news.filter(logging.LogRecord("aiokafka", level, "", 0, "Unable to connect to %s", (node,), None))

    assert [True, False, False] == [passes(1), passes(1), passes(2)]
    now[0] += logs.REPEATED_AFTER_S
    assert [True, False] == [passes(1), passes(1)]


def test_an_exception_is_one_line(lines: Lines) -> None:
    try:
        raise ConnectionError("mongodb://reader:hunter2@db:27017 is away")
    except ConnectionError as error:
        structlog.get_logger().warning("batch_failed", exc_info=error)
    (line,) = lines
    assert "ConnectionError" in str(line["exception"])
    assert "hunter2" not in str(line)


def test_a_crash_is_one_line(lines: Lines) -> None:
    sys.excepthook(LookupError, LookupError("a bug"), None)
    (line,) = lines
    assert ("process_crashed", "critical") == (line["event"], line["level"])


def test_secrets_are_masked_by_name_and_inside_addresses(lines: Lines) -> None:
    structlog.get_logger().info(
        "x", api_key="k", authorization="Bearer t", url="mongodb://me:pw@db/x", error="at http://a/b"
    )
    (line,) = lines
    assert ("***", "***", "mongodb://***@db/x", "at http://a/b") == tuple(
        line[name] for name in ("api_key", "authorization", "url", "error")
    )


def test_what_lies_deeper_is_masked_as_well(lines: Lines) -> None:
    structlog.get_logger().info("x", headers={"Cookie": "c", "deep": [{"password": "p"}], "accept": "json"})
    (line,) = lines
    assert {"Cookie": "***", "deep": [{"password": "***"}], "accept": "json"} == line["headers"]


def test_an_api_key_is_struck_out_wherever_it_stands_and_keeps_its_public_part(lines: Lines) -> None:
    key, text = issue("a-channel", [Scope.READ], [], created=datetime(2026, 1, 1, tzinfo=UTC))
    structlog.get_logger().warning("x", error=f"?key={text}&a=b", other={"in": [text]})
    (line,) = lines
    assert f"?key=tnr_{key.id}_***&a=b" == line["error"]
    assert text not in str(line)


def test_what_the_process_knows_as_secret_is_struck_out_of_every_line() -> None:
    seal = logs.sealing(['quoted "horse" staple', "short", "correct-horse"])
    line = json.dumps({"event": 'login failed for quoted "horse" staple: correct-horse-2, short'})
    assert '{"event": "login failed for ***: ***-2, short"}' == seal(None, "", line)


def test_inside_a_trace_every_line_carries_its_id(lines: Lines) -> None:
    with logs.traced(TRACEPARENT):
        structlog.get_logger().info("inside")
    structlog.get_logger().info("outside")
    assert [TRACE, None] == [line.get("trace_id") for line in lines]


@pytest.mark.parametrize(
    ("traceparent", "expected"),
    [
        (TRACEPARENT, TRACE),
        (None, None),
        ("", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7", None),
        (TRACEPARENT.upper(), None),
        (f"01-{TRACE}-00f067aa0ba902b7-01-of-a-later-version", TRACE),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
    ],
)
def test_the_trace_is_read_as_w3c_writes_it(traceparent: str | None, expected: str | None) -> None:
    assert expected == logs.trace_id_of(traceparent)


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        logs.configure("retention", "LOUD")

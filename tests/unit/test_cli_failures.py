"""What a failure of the command says: one sentence, what to do, and an exit code that scripts can rely on."""

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from aiokafka.errors import KafkaConnectionError
from pymongo.errors import ServerSelectionTimeoutError

from cli.errors import FAULT, OUTCOME, UNASKED, CliError
from cli.main import report
from deploy.local.errors import LocalError


@pytest.mark.parametrize(
    ("error", "says", "code"),
    [
        (CliError("The books do not balance."), "The books do not balance.", OUTCOME),
        (LocalError("Port 9092 is taken."), "Port 9092 is taken.", OUTCOME),
        (KafkaConnectionError("no brokers"), "The broker could not be asked", UNASKED),
        (ServerSelectionTimeoutError("nobody"), "The database could not be asked", UNASKED),
        (FileNotFoundError(2, "No such file or directory", "x.jsonl"), "Cannot use x.jsonl: no such file", UNASKED),
        (
            httpx.ConnectError("refused", request=httpx.Request("GET", "http://h:1/v1")),
            "Cannot reach http://h:1",
            UNASKED,
        ),
        (httpx.ReadTimeout("late", request=httpx.Request("GET", "http://h:1/v1")), "did not answer in time", UNASKED),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError", FAULT),
    ],
)
def test_every_failure_is_one_line_and_an_exit_code(
    error: Exception, says: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == report(error)
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_driver_s_page_of_topology_becomes_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    report(ServerSelectionTimeoutError("x" * 5000 + "\nmore"))
    assert len(capsys.readouterr().err) < 400


def test_the_command_without_a_deployment_says_what_to_do(tmp_path: Path) -> None:
    ended = _tenure("alerts", cwd=tmp_path)
    assert (UNASKED, "") == (ended.returncode, ended.stdout)
    assert ended.stderr == ("tenure: No deployment found: run `tenure local up`, or set TENURE_API and TENURE_KEY.\n")


def test_the_command_with_nobody_at_the_address_says_so(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{_nobody_s_port()}"
    ended = _tenure("alerts", "--api", address, "--key", "k", cwd=tmp_path)
    assert ended.returncode == UNASKED
    assert ended.stderr.startswith(f"tenure: Cannot reach {address}: ")


def _nobody_s_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tenure(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=cwd,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

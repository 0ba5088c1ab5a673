"""`tenure demo` as a person runs it: it shows what came through, ends by itself, and says plainly what went wrong."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.state import StateFolder

pytestmark = pytest.mark.system

DEADLINE_S = 120


def start(state: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from cli.main import main; main()", "demo", "--state", str(state), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said_until(words: str, demo: "subprocess.Popen[str]") -> Iterator[str]:
    assert demo.stderr is not None
    for line in demo.stderr:
        yield line
        if words in line:
            return


def test_it_ends_by_itself_with_a_summary_and_leaves_nothing_running(tmp_path: Path) -> None:
    demo = start(tmp_path, "--max-days", "8", "--json")
    said, _ = demo.communicate(timeout=DEADLINE_S)
    summary = json.loads(said)
    assert 0 == demo.returncode
    kinds = {kind: summary["events"][kind] for kind in ("purchase", "contact", "enquiry")}
    assert (210, {"purchase": 218, "contact": 9, "enquiry": 5}) == (summary["customers"], kinds)
    assert {} == StateFolder(tmp_path).processes()


def test_a_broker_that_dies_is_named_with_what_to_do_and_nothing_is_left_running(tmp_path: Path) -> None:
    demo = start(tmp_path)
    assert any("Replaying" in line for line in said_until("Replaying", demo))
    started = StateFolder(tmp_path).processes()
    started["broker"].signal(signal.SIGKILL)
    _, said = demo.communicate(timeout=DEADLINE_S)
    assert 1 == demo.returncode
    assert "broker has stopped (killed by SIGKILL)" in said
    assert "run `tenure demo` again" in said
    assert "Traceback" not in said
    assert not any(process.alive for process in started.values())


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    demo = start(tmp_path)
    assert any("Replaying" in line for line in said_until("Replaying", demo))
    started = StateFolder(tmp_path).processes()
    demo.send_signal(signal.SIGINT)
    _, said = demo.communicate(timeout=DEADLINE_S)
    assert 128 + signal.SIGINT == demo.returncode, said
    assert not any(process.alive for process in started.values())

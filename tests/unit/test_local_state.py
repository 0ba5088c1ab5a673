"""What the state folder keeps, and what it never touches."""

import os
from pathlib import Path

import pytest

from deploy.local.death import Death, last_words
from deploy.local.errors import LocalError
from deploy.local.processes import Process, birth_of
from deploy.local.state import Deployment, StateFolder

PORTS = {"broker": 1, "database": 2, "gateway": 3, "projection": 4}
DEPLOYMENT = Deployment(PORTS, "key", "wall", 6, 3600.0, 60.0, {"TENURE_LOG_LEVEL": "DEBUG"})


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path)
    folder.wipe()
    return folder


def test_what_is_written_is_read_back(folder: StateFolder) -> None:
    folder.write(DEPLOYMENT)
    assert DEPLOYMENT == folder.read()


def test_nothing_written_is_no_deployment(folder: StateFolder) -> None:
    assert folder.read() is None


def test_a_damaged_file_says_what_to_do(folder: StateFolder) -> None:
    (folder.path / "local.json").write_text("{")
    with pytest.raises(LocalError, match="tenure local down"):
        folder.read()


def test_wiping_empties_what_a_deployment_left_and_nothing_else(folder: StateFolder) -> None:
    for name in ("database/x", "logs/y.log", "local.json", "send-0123.json", "mine.txt"):
        (folder.path / name).write_text("x")
    folder.wipe()
    assert ["mine.txt", "tenure-state"] == sorted(file.name for file in folder.path.rglob("*") if file.is_file())


def test_somebody_else_s_folder_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "theirs").touch()
    with pytest.raises(LocalError, match="not Tenure's"):
        StateFolder(tmp_path).wipe()
    assert (tmp_path / "logs" / "theirs").exists()


def test_a_process_is_known_by_its_birth_too(folder: StateFolder) -> None:
    born = birth_of(os.getpid())
    assert born is not None
    folder.remember("gateway", Process(os.getpid(), born))
    folder.remember("broker", Process(os.getpid(), "long ago"))
    assert {"gateway": True, "broker": False} == {name: p.alive for name, p in folder.processes().items()}


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", ""),
        ("one\ntwo\n\n", "two"),
        ('{"event": "process_failed", "reason": "no broker", "level": "error"}\n', "process_failed reason=no broker"),
        ("[1]\n", "[1]"),
        ("x" * 1000, "x" * 299 + "…"),
    ],
)
def test_the_last_words_are_the_last_line_that_says_anything(log: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "x.log"
    file.write_text(log)
    assert words == last_words(file)


def test_the_death_of_the_embedded_broker_sends_nobody_to_restart_it(tmp_path: Path) -> None:
    said = str(Death("broker", -9, tmp_path / "broker.log", keeps=False))
    assert said.startswith("broker has stopped (killed by SIGKILL)\n")
    assert "`tenure local down`, then `tenure local up`" in said

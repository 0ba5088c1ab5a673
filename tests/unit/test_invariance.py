"""Of two real shops, and of a story with every kind of event: what comes later changes nothing that was said before,
wherever a file is cut, and a second run in another process writes the same bytes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from cli.data import CDNOW, STORY
from cli.sending.lines import open_lines
from shared.contracts.values import parse_time

ONLINE_RETAIL = Path(__file__).parents[1] / "data" / "online-retail-third.events.jsonl.gz"
CUTS = {
    CDNOW: ("1997-03-06T00:00:00Z", "1997-08-20T12:00:00Z", "1998-03-01T00:00:01Z"),
    STORY: ("1997-06-15T00:00:00Z", "1998-02-10T09:03:00Z"),
    ONLINE_RETAIL: ("2011-01-20T09:00:00Z", "2011-06-14T13:26:00Z", "2011-10-07T00:00:00Z"),
}
OUT = {"alerts": "time", "scores": "as_of"}  # file -> whose time a line bears


class Line(msgspec.Struct):
    """Of any of the files."""

    time: str = ""
    as_of: str = ""


LOGS = [pytest.param(log, marks=pytest.mark.long) if log == CDNOW else log for log in CUTS]  # it takes two minutes


@pytest.fixture(scope="module", params=LOGS, ids=lambda log: log.name.partition(".")[0])
def log(request: pytest.FixtureRequest) -> Path:
    log: Path = request.param
    return log


@pytest.fixture(scope="module")
def whole(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return judged(log, tmp_path_factory.mktemp("whole"))


def judged(file: Path, folder: Path, *options: str, seed: str = "0") -> Path:
    """A folder with what was said of it, in a process in which sets and hashes have another order."""
    outs = [word for name in ("messages", *OUT) for word in (f"--{name}", str(folder / f"{name}.jsonl"))]
    command = [sys.executable, "-m", "cli.main", "backtest", "--events", str(file), *outs, *options]
    subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.DEVNULL, check=True)
    return folder


def test_a_second_run_in_another_process_writes_the_same_bytes(log: Path, whole: Path, tmp_path: Path) -> None:
    again = judged(log, tmp_path, seed="4711")
    for name in ("messages", *OUT):
        assert (whole / f"{name}.jsonl").read_bytes() == (again / f"{name}.jsonl").read_bytes()


def test_what_comes_later_changes_nothing_that_was_said_before(log: Path, whole: Path, tmp_path: Path) -> None:
    for cut in CUTS[log]:
        prefix = tmp_path / "prefix.jsonl"
        prefix.write_bytes(b"".join(before(cut, [*open_lines(log)], "time")))
        part = judged(prefix, tmp_path, "--until", cut[:10])  # the days before the cut may be quiet ones
        for name, key in OUT.items():
            said = list(before(cut, lines(part, name), key))
            assert said == list(before(cut, lines(whole, name), key))
            assert said or name == "alerts", "everybody has a score from the first week on"


def lines(folder: Path, name: str) -> Sequence[bytes]:
    return (folder / f"{name}.jsonl").read_bytes().splitlines(keepends=True)


def before(cut: str, some: Sequence[bytes], key: str) -> Iterator[bytes]:
    until = parse_time(cut)
    return (line for line in some if parse_time(getattr(msgspec.json.decode(line, type=Line), key)) < until)

"""Who judges a long history at a terminal sees how far it is; whoever reads what is printed sees nothing of that."""

import json
import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from services.analytics.population.refit import LEAST_CUSTOMERS

CUSTOMERS, WEEKS = LEAST_CUSTOMERS, 20
EVENTS = CUSTOMERS * WEEKS
FIRST_DAY = datetime.fromisoformat("2026-01-05T00:00:00+00:00")
DONE = re.compile(rf"^(\S*).* (\d+)/{EVENTS}\b")
SECONDS = re.compile(r"in \d+\.\d s")
ERASED, COLOUR = "\x1b[2K", re.compile(r"\x1b\[[\d;]*m")


class Said(NamedTuple):
    out: str
    err: str


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough for models to be fitted week by week, which takes longer than one picture of the bar."""
    file = tmp_path_factory.mktemp("history") / "events.jsonl"
    file.write_text("".join(bought(number) for number in range(EVENTS)), encoding="utf-8")
    return file


def bought(number: int) -> str:
    time = FIRST_DAY + timedelta(weeks=1) * number / CUSTOMERS
    what = {"customer_id": f"c-{number % CUSTOMERS}", "type": "purchase", "amount": "9.00", "currency": "EUR"}
    return json.dumps({"id": f"e-{number}", "time": time.isoformat(), **what}) + "\n"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("rules") / "rules.toml"
    file.write_text('name = "shyer"\nrisk_raise = 0.9\nrisk_deep = 0.95\n', encoding="utf-8")
    return str(file)


def test_the_bar_of_a_backtest_moves_from_no_event_to_the_last_one_and_is_gone_in_the_end(events: Path) -> None:
    said = run_on_terminal(*backtest(events))
    assert_moved([number for _, number in pictures(said.err)])
    assert said.err.endswith(ERASED)
    unseen = run(*backtest(events))
    assert "" == unseen.err
    assert SECONDS.sub("", unseen.out) == SECONDS.sub("", said.out)


def test_a_program_that_asks_for_json_gets_no_bar_at_a_terminal_either(events: Path) -> None:
    said = run_on_terminal(*backtest(events), "--json")
    assert ("", EVENTS) == (said.err, json.loads(said.out)["events"])


def test_of_rules_that_are_compared_each_has_its_bar_with_its_name(events: Path, rules: str) -> None:
    asked = "rules", "compare", "r1", rules, "--events", str(events)
    said = run_on_terminal(*asked)
    seen = pictures(said.err)
    assert ["r1", "shyer"] == list(dict.fromkeys(name for name, _ in seen))
    for of in ("r1", "shyer"):
        assert_moved([number for name, number in seen if name == of])
    assert said.err.endswith(ERASED)
    assert run(*asked) == Said(said.out, "")


def pictures(err: str) -> list[tuple[str, int]]:
    """The word that each picture of a bar begins with, and how many events are done."""
    found = (DONE.search(COLOUR.sub("", picture)) for picture in err.split(ERASED))
    return [(picture[1], int(picture[2])) for picture in found if picture is not None]


def assert_moved(numbers: list[int]) -> None:
    assert sorted(numbers) == numbers
    assert (0, EVENTS) == (numbers[0], numbers[-1])
    assert len(set(numbers)) > 2, "and something in between"


def backtest(events: Path) -> tuple[str, ...]:
    return "backtest", "--events", str(events)


def run(*arguments: str) -> Said:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=True, env=environment())
    return Said(done.stdout, done.stderr)


def run_on_terminal(*arguments: str) -> Said:
    """Only stderr is on it: stdout goes into a pipe."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=theirs, env=environment()) as process:
        os.close(theirs)
        err = read_terminal(ours)
        assert process.stdout is not None
        out = process.stdout.read().decode()
    assert process.returncode == 0, err
    return Said(out, err)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", *arguments]


def environment() -> dict[str, str]:
    """Of a person, wherever the tests run."""
    ours = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    return ours | {"TERM": "xterm-256color"}


def read_terminal(ours: int) -> str:
    """All that is written to it, until nobody holds the other end any more."""
    found = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal, suppress(OSError):  # so Linux says that it is closed
        while read := terminal.read(65536):
            found += read
    return found.decode()

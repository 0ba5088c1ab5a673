"""Which verbs there are, and that asking for them costs nothing."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli.main import VERBS, Verb, app

HEAVY = ("httpx", "aiokafka", "pymongo", "motor", "pydantic", "fastapi", "faststream", "structlog")


def test_help_loads_nothing_heavy() -> None:
    program = "import sys; from cli.main import main\ntry: main()\nexcept SystemExit: print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=True)
    loaded = ended.stdout.splitlines()[-1].split()
    assert not set(HEAVY) & set(loaded)


def test_help_names_every_verb_with_what_it_is_for() -> None:
    page = " ".join(CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output.split())
    assert all(f"{verb.name} {verb.help}" in page for verb in VERBS.values())


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_a_verb_explains_itself_under_its_own_name(verb: Verb) -> None:
    page = CliRunner().invoke(app, [verb.name, "--help"], prog_name="tenure")
    assert page.exit_code == 0
    assert f"tenure {verb.name} " in page.output


def test_a_verb_that_is_none_is_wrong_usage() -> None:
    assert CliRunner().invoke(app, ["forecast"]).exit_code == 2

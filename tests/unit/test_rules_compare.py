"""`tenure rules compare`: what other rules would have changed, on a history."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.data import CDNOW
from cli.errors import OUTCOME, UNASKED, CliError
from cli.main import app
from services.analytics.rules import Rules


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rules", "compare", *arguments, "--events", str(CDNOW)])


@pytest.fixture
def bolder(tmp_path: Path) -> str:
    return rules(tmp_path, 'name = "bolder"\nrisk_raise = 0.7\nsilent_gaps = 1.5\n')


def rules(folder: Path, text: str) -> str:
    file = folder / "rules.toml"
    file.write_text(text)
    return str(file)


def compared(old: str, new: str) -> dict[str, Any]:
    result = run(old, new, "--json")
    assert 0 == result.exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_lower_threshold_gains_alerts_that_come_earlier_and_turning_it_round_loses_them(bolder: str) -> None:
    there, back = compared(Rules().name, bolder), compared(bolder, Rules().name)
    assert len(there["gained"]) > len(there["lost"])
    assert there["gained"] == back["lost"]
    assert there["earlier_days"] == -back["earlier_days"] > 0
    old, new = there["rules"].values()
    assert old["alerts"] < new["alerts"]
    assert old["found"] < new["found"]
    assert old["lapses"] == new["lapses"]


def test_a_table_says_the_same_to_people(bolder: str) -> None:
    said = run(Rules().name, bolder).stdout
    old, new = compared(Rules().name, bolder)["rules"].values()
    assert f"{old['precision']:.1%}" in said
    assert f"{new['precision']:.1%}" in said
    assert "gained" in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'name = "{Rules().name}"', "name: say one"),
        ('name = "ours"\nhorizon_days = 30', "look ahead 90 and 30 days"),
        ('name = "ours"\ntarget = "contact"', "absence of a purchase, to the other of a contact"),
    ],
)
def test_rules_that_cannot_be_compared_are_refused(text: str, reason: str, tmp_path: Path) -> None:
    refused = run(Rules().name, rules(tmp_path, text)).exception
    assert isinstance(refused, CliError)
    assert UNASKED == refused.exit_code
    assert reason in refused.message


def test_the_same_name_twice_is_refused() -> None:
    refused = run(Rules().name, Rules().name).exception
    assert isinstance(refused, CliError)
    assert "nobody could tell their alerts apart" in refused.message


def test_a_purchase_that_is_no_event_is_nobodys_purchase(tmp_path: Path, bolder: str) -> None:
    nobodys = json.dumps({"specversion": "1.0", "id": "1", "source": "shop", "type": "tenure.purchase.v1",
                          "time": "1999-01-01T00:00:00Z", "data": {}})  # fmt: skip
    file = tmp_path / "events.jsonl"
    file.write_bytes(gzip.decompress(CDNOW.read_bytes()) + nobodys.encode())
    result = CliRunner().invoke(app, ["rules", "compare", Rules().name, bolder, "--events", str(file), "--json"])
    assert (OUTCOME, "Lines that are no events: 1") == (result.exit_code, result.stderr.partition(";")[0])

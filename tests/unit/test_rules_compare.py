"""`tenure rules compare`: what other rules would have changed, on a history."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.errors import OUTCOME, UNASKED, CliError
from cli.main import app
from services.analytics.rules import Rules
from tests.unit.shop import shop


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop(tmp_path_factory.mktemp("shop"))


def run(events: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["rules", "compare", *arguments, "--events", str(events)])


@pytest.fixture(scope="module")
def shyer(tmp_path_factory: pytest.TempPathFactory) -> str:
    return rules(tmp_path_factory.mktemp("rules"), 'name = "shyer"\nrisk_raise = 0.9\nrisk_deep = 0.95\n')


@pytest.fixture(scope="module")
def there(events: Path, shyer: str) -> dict[str, Any]:
    return compared(events, shyer, Rules().name)


def rules(folder: Path, text: str) -> str:
    file = folder / "rules.toml"
    file.write_text(text)
    return str(file)


def compared(events: Path, old: str, new: str) -> dict[str, Any]:
    result = run(events, old, new, "--json")
    assert 0 == result.exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_lower_threshold_gains_alerts_that_come_earlier_and_turning_it_round_loses_them(
    events: Path, shyer: str, there: dict[str, Any]
) -> None:
    back = compared(events, Rules().name, shyer)
    assert len(there["gained"]) > len(there["lost"])
    assert there["gained"] == back["lost"]
    assert there["earlier_days"] == -back["earlier_days"] > 0
    old, new = there["rules"].values()
    assert old["alerts"] < new["alerts"]
    assert old["found"] < new["found"]
    assert old["lapses"] == new["lapses"]


def test_a_table_says_the_same_to_people(events: Path, shyer: str, there: dict[str, Any]) -> None:
    said = run(events, shyer, Rules().name).stdout
    old, new = there["rules"].values()
    assert f"{old['precision']:.1%}" in said
    assert f"{new['precision']:.1%}" in said
    assert "gained" in said
    assert f"{there['earlier_days']:g} days earlier at the median" in said
    assert f"{there['earlier_days']:g} days later at the median" in run(events, Rules().name, shyer).stdout


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'name = "{Rules().name}"', "name: say one"),
        ('name = "ours"\nhorizon_days = 30', "look ahead 90 and 30 days"),
        ('name = "ours"\ntarget = "contact"', "absence of a purchase, to the other of a contact"),
    ],
)
def test_rules_that_cannot_be_compared_are_refused(events: Path, text: str, reason: str, tmp_path: Path) -> None:
    refused = run(events, Rules().name, rules(tmp_path, text)).exception
    assert isinstance(refused, CliError)
    assert UNASKED == refused.exit_code
    assert reason in refused.message


def test_both_are_judged_by_another_horizon_and_an_unsorted_file_if_that_is_asked(
    events: Path, shyer: str, tmp_path: Path
) -> None:
    turned = tmp_path / "turned.jsonl"
    turned.write_bytes(b"\n".join(reversed(events.read_bytes().splitlines())))
    result = run(turned, Rules().name, shyer, "--horizon", "30", "--sort", "--json")
    assert 0 == result.exit_code, result.output
    found = json.loads(result.stdout)["rules"]
    assert ["r1-30d", "shyer-30d"] == list(found)
    assert found["r1-30d"]["lapses"] > compared(events, Rules().name, shyer)["rules"]["r1"]["lapses"]


def test_the_same_name_twice_is_refused(events: Path) -> None:
    refused = run(events, Rules().name, Rules().name).exception
    assert isinstance(refused, CliError)
    assert "nobody could tell their alerts apart" in refused.message


def test_a_purchase_that_is_no_event_is_nobodys_purchase(events: Path, tmp_path: Path, shyer: str) -> None:
    nobodys = json.dumps({"specversion": "1.0", "id": "1", "source": "shop", "type": "tenure.purchase.v1",
                          "time": "1999-01-01T00:00:00Z", "data": {}})  # fmt: skip
    file = tmp_path / "events.jsonl"
    some = events.read_bytes().splitlines(keepends=True)[:200]
    file.write_bytes(b"".join(some) + nobodys.encode())
    result = CliRunner().invoke(app, ["rules", "compare", Rules().name, shyer, "--events", str(file), "--json"])
    assert (OUTCOME, "Lines that are no events: 1") == (result.exit_code, result.stderr.partition(";")[0])

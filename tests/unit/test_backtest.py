"""`tenure backtest`: the judgement over a file says what it can know at each instant, and says it again the same."""

import gzip
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.data import CDNOW, STORY
from cli.errors import OUTCOME, UNASKED, CliError
from cli.main import app
from cli.sending.lines import merge_lines, open_lines, read_lines
from services.analytics.population.part import MOST_ROWS
from services.analytics.rules import Rules, read_rules
from shared.contracts.analytics import read_alert
from shared.contracts.values import format_time, parse_time
from tests.unit.shop import END

CUT = "1997-06-15T00:00:00Z"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def history() -> list[bytes]:
    """The story among seven months of a shop, as CloudEvents."""
    lines = merge_lines(*(read_lines(open_lines(file), source="shop") for file in (CDNOW, STORY)))
    return [line.body for line in lines if line.at < END]


@pytest.fixture(scope="module")
def whole(history: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what was said about all of it."""
    return judged(history, tmp_path_factory.mktemp("whole"))


def judged(lines: Sequence[bytes], folder: Path, *options: str) -> Path:
    file = folder / "events.jsonl"
    file.write_bytes(b"\n".join(lines))
    outs = [word for name in ("alerts", "scores", "messages") for word in (f"--{name}", str(folder / f"{name}.jsonl"))]
    result = run("--events", str(file), *outs, *options)
    assert result.exit_code == 0, result.output
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["backtest", *arguments])


def rows(folder: Path, name: str) -> Rows:
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_bytes().splitlines()]


def before(cut: str, rows: Rows, key: str) -> Rows:
    return [row for row in rows if parse_time(row[key]) < parse_time(cut)]


def test_silence_behind_the_last_event_is_judged_as_far_as_is_asked(
    history: list[bytes], whole: Path, tmp_path: Path
) -> None:
    prefix = [line for line in history if parse_time(json.loads(line)["time"]) < parse_time(CUT)]
    far = judged(prefix, tmp_path, "--until", "1997-08-31")
    assert "1997-08-31T23:59:59Z" >= max(row["as_of"] for row in rows(far, "scores")) >= "1997-08-25T23:59:59Z"
    assert before(CUT, rows(whole, "alerts"), "time") == before(CUT, rows(far, "alerts"), "time")


def test_every_buyer_is_scored_every_seven_days_from_the_end_of_the_first_day_on(
    history: list[bytes], whole: Path
) -> None:
    first = parse_time(min(json.loads(line)["time"] for line in history)[:10] + "T23:59:59Z")
    scores = rows(whole, "scores")
    last = max(parse_time(row["as_of"]) for row in scores)
    instants = [format_time(first + timedelta(weeks=n)) for n in range((last - first).days // 7 + 1)]
    buyers: dict[str, str] = {}
    for event in map(json.loads, history):
        if event["type"] == "tenure.purchase.v1":
            buyers.setdefault(event["subject"], event["time"])
    scored: dict[str, set[str]] = {}
    for row in scores:
        scored.setdefault(row["as_of"], set()).add(row["customer_id"])
    for instant in instants:
        known = {customer for customer, time in buyers.items() if parse_time(time) <= parse_time(instant)}
        assert known == scored[instant]
    assert all(0 <= row["risk"] <= 1 for row in scores)


def test_an_alert_tells_each_sign_when_it_comes_up_and_when_it_is_told_again_with_its_proof(whole: Path) -> None:
    said: dict[tuple[str, str, datetime | None], tuple[str, tuple[str, ...]]] = {}
    for line in (whole / "messages.jsonl").read_bytes().splitlines():
        message = read_alert(line)
        for sign in message.data.signs:
            told = (message.data.alert, sign.sign.value, sign.told_at)
            said.setdefault(told, (format_time(message.data.as_of), sign.evidence))
    expected = sorted((alert, sign, *proof) for (alert, sign, _), proof in said.items())
    alerts = rows(whole, "alerts")
    assert expected == sorted((row["alert"], row["sign"], row["time"], tuple(row["evidence"])) for row in alerts)


def test_an_event_that_stands_there_twice_counts_once(history: list[bytes], whole: Path, tmp_path: Path) -> None:
    doubled = judged([line for line in history for _ in range(2)], tmp_path)
    assert (whole / "messages.jsonl").read_bytes() == (doubled / "messages.jsonl").read_bytes()


def test_a_file_that_is_not_in_order_is_refused_or_sorted(history: list[bytes], whole: Path, tmp_path: Path) -> None:
    file = tmp_path / "turned.jsonl"
    file.write_bytes(b"\n".join(reversed(history)))
    refused = run("--events", str(file))
    assert isinstance(refused.exception, CliError)
    assert (UNASKED, "use --sort" in refused.exception.message) == (refused.exception.exit_code, True)
    sorted_ = run("--events", str(file), "--sort", "--scores", str(tmp_path / "scores.jsonl"))
    assert 0 == sorted_.exit_code
    assert rows(whole, "scores") == rows(tmp_path, "scores")


def test_what_is_no_event_is_said_and_the_rest_is_judged(history: list[bytes], whole: Path, tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_bytes(b"\n".join((b"{", b"[]", *history)))
    result = run("--events", str(file), "--messages", str(tmp_path / "messages.jsonl"), "--json")
    assert OUTCOME == result.exit_code
    assert (2, len(history)) == tuple(json.loads(result.stdout)[name] for name in ("refused", "events"))
    assert "line 1: not JSON" in result.stderr
    assert (whole / "messages.jsonl").read_bytes() == (tmp_path / "messages.jsonl").read_bytes()


def test_it_is_said_when_the_models_are_fitted_to_some_of_the_customers_only(tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text("".join(bought(n, "2026-01-05") for n in range(MOST_ROWS + 1)) + bought(0, "2026-01-20"))
    assert "Models fitted to one customer in 2" in run("--events", str(file)).stdout
    file.write_text(bought(0, "2026-01-05") + bought(1, "2026-01-20"))
    assert 1 == json.loads(run("--events", str(file), "--json").stdout)["fitted_to_one_in"]


def bought(customer: int, day: str) -> str:
    what = {"customer_id": f"c-{customer}", "type": "purchase", "amount": "9.00", "currency": "EUR"}
    return json.dumps({"id": f"{customer}-{day}", "time": f"{day}T12:00:00Z", **what}) + "\n"


def test_a_packed_file_holds_the_same_lines(history: list[bytes], whole: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "events.jsonl.gz", tmp_path / "alerts.jsonl.gz"
    file.write_bytes(gzip.compress(b"\n".join(history)))
    assert 0 == run("--events", str(file), "--alerts", str(out)).exit_code
    assert (whole / "alerts.jsonl").read_bytes() == gzip.decompress(out.read_bytes())


def test_another_horizon_makes_other_rules_with_another_name(history: list[bytes], tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    for folder, days in ((near, "30"), (far, "365")):
        folder.mkdir()
        judged(history[:200], folder, "--horizon", days)
    pairs = list(zip(rows(near, "scores"), rows(far, "scores"), strict=True))
    assert pairs
    assert all(soon["risk"] > late["risk"] for soon, late in pairs)
    assert (
        "r1-30d" == json.loads(run("--events", str(near / "events.jsonl"), "--horizon", "30", "--json").stdout)["rules"]
    )


def test_with_contacts_as_target_risk_and_silence_are_of_contacts_that_the_customer_begins(tmp_path: Path) -> None:
    def event(n: int, day: int, kind: str, data: dict[str, Any]) -> bytes:
        time = f"2024-{1 + day // 28:02}-{1 + day % 28:02}T10:00:00Z"
        return json.dumps(
            {"specversion": "1.0", "id": str(n), "source": "crm", "type": f"tenure.{kind}.v1", "subject": "anna",
             "time": time, "data": data}
        ).encode()  # fmt: skip

    written = [event(n, 7 * n, "contact", {"route": "email", "direction": "inbound"}) for n in range(12)]
    ours = [event(100 + n, 84 + 7 * n, "contact", {"route": "email", "direction": "outbound"}) for n in range(20)]
    judged(written + ours, tmp_path, "--target", "contact")
    scores, alerts = rows(tmp_path, "scores"), rows(tmp_path, "alerts")
    assert scores[-1]["risk"] > 0.9 > 0.5 > scores[10]["risk"]
    assert "attrition" in {alert["sign"] for alert in alerts}
    assert {"r1-contact"} == {json.loads(line)["data"]["rules"] for line in messages(tmp_path)}
    bought = judged(written + ours, tmp_path)
    assert [] == rows(bought, "scores")


def messages(folder: Path) -> list[bytes]:
    return (folder / "messages.jsonl").read_bytes().splitlines()


def test_rules_from_a_file_differ_in_what_it_names() -> None:
    own = read_rules('name = "ours"\nrisk_raise = 0.7\n[contact]\nstrength = 6\n')
    assert ("ours", 0.7, 6, Rules().contact.a_week) == (
        own.name, own.risk_raise, own.contact.strength, own.contact.a_week,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("risk_raise = 0.7", "name: say one"),
        ('name = "r1"', "name: say one"),
        ('name = "ours"\nrisk = 0.7', "risk: there is no such figure"),
        ('name = "ours"\n[contact]\nwindow = 3', "contact.window: there is no such figure"),
        ('name = "ours"\nrisk_raise = "high"', "risk_raise"),
        ('name = "Our rules"', "name"),
        ("name", "Expected"),
        ('name = "ours"\ncontact = 3', "contact: expected a table"),
        ('name = "ours"\n[contact]\nstrength = 0', "contact.strength: expected a figure above zero"),
        ('name = "ours"\nrisk_raise = nan', "risk_raise: expected a figure above zero"),
    ],
)
def test_rules_that_cannot_be_read_say_why(text: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    result = run("--events", str(CDNOW), "--rules", str(file))
    assert isinstance(result.exception, CliError)
    assert UNASKED == result.exception.exit_code
    assert reason in result.exception.message


@pytest.mark.parametrize("since", [CUT, "1996-12-24T12:00:00Z"])
def test_a_catalogue_in_the_file_is_gone_by_and_changes_nothing_else(
    history: list[bytes], whole: Path, tmp_path: Path, since: str
) -> None:
    walk = {"name": "a walk", "words": "a walk together", "success_thousandths": 900}
    measures = {
        "specversion": "1.0", "id": "m-1", "source": "crm", "type": "tenure.measures.v1", "subject": "measures",
        "time": since, "data": {"measures": [{**walk, "cost": {"thousandths_of_ticket": 1}}]},
    }  # fmt: skip
    lines = sorted([*history, json.dumps(measures).encode()], key=lambda line: str(json.loads(line)["time"]))
    with_it = judged(lines, tmp_path)
    for name in ("alerts", "scores"):
        assert (whole / f"{name}.jsonl").read_bytes() == (with_it / f"{name}.jsonl").read_bytes()
    said = [read_alert(line) for line in (with_it / "messages.jsonl").read_bytes().splitlines()]
    named = {(a.time >= parse_time(since), a.data.recommended.name) for a in said if a.data.recommended}
    assert (True, "a walk") in named
    assert {name for is_later, name in named if is_later} == {"a walk"}

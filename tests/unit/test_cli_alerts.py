"""How an alert reads for people, from the read API and from the topic."""

import json

import httpx
import pytest
from typer.testing import CliRunner

from cli import alerts, context
from cli.alerts import cells_of, line_of, open_alerts, read_message, signs_of
from cli.errors import UNASKED, CliError
from cli.main import app
from cli.wording import measure
from shared.contracts.generate import example
from tests.unit.cli_records import record

CALL = {
    "name": "personal call",
    "cost": {"amount_minor": 2_500, "currency": "EUR"},
    "benefit": {"amount_minor": 18_000, "currency": "EUR"},
    "is_worth_it": True,
}
ROW = {
    "customer": "c-17",
    "since": "2026-03-01T10:00:00Z",
    "state": "escalated",
    "risk": 0.834,
    "value_at_risk": [{"amount_minor": 120_000, "currency": "EUR"}, {"amount_minor": 500, "currency": "JPY"}],
    "signs": ["volume_decline", "complaint_increase"],
    "probable_cause": None,
    "recommended": CALL,
    "reasons": ["buys a third of what it used to", "two complaints"],
}
MESSAGE = {
    "type": "tenure.attrition-alert-raised.v1",
    "subject": "c-17",
    "time": "2026-03-01T10:00:00Z",
    "data": {
        "risk": 0.834,
        "value_at_risk": [{"amount_minor": 120_000, "currency": "EUR"}],
        "signs": [{"sign": "volume_decline", "strength": 9.1}],
        "contributions": [{"reason": "buys a third of what it used to", "weight": 2.0}],
        "recommended": CALL,
    },
}


def test_a_row_says_who_since_when_how_likely_what_is_at_stake_what_to_do_and_why() -> None:
    assert (
        "c-17",
        "2026-03-01",
        "escalated",
        "0.83",
        "1,200.00 EUR, 500 JPY",
        "volume_decline, complaint_increase",
        "-",
        "worth it: personal call, 25.00 EUR for 180.00 EUR expected",
        "buys a third of what it used to",
    ) == cells_of(ROW)


def test_a_customer_that_never_bought_has_no_risk_and_nothing_at_stake() -> None:
    cells = cells_of({**ROW, "risk": None, "value_at_risk": [], "recommended": None, "reasons": []})
    assert ("-", "", "-", "") == (cells[3], cells[4], cells[7], cells[8])


@pytest.mark.parametrize(
    ("needed", "words"), [(0.1724, "it would have to keep 17.2% of those who leave"), (None, "it cannot pay")]
)
def test_a_measure_that_is_withheld_says_what_it_would_have_to_achieve(needed: float | None, words: str) -> None:
    said = measure({**CALL, "is_worth_it": False, "break_even_success": needed})
    assert f"not worth it: personal call, 25.00 EUR for 180.00 EUR expected; {words}" == said


def test_a_message_about_a_segment_is_one_line_too() -> None:
    read = example("tenure.segment-alert-raised.v1")
    assert ["active_buyers_decline"] == signs_of(read["data"])
    assert line_of(read) == (
        "2026-03-12 00:00  raised        segment/B  active_buyers_decline  612 where 740 were expected since 2026-01-15"
    )


def test_a_message_of_the_topic_is_one_line() -> None:
    read = read_message(record(json.dumps(MESSAGE).encode()))
    assert ["volume_decline"] == signs_of(read["data"])
    assert line_of(read) == (
        "2026-03-01 10:00  raised        c-17  risk 0.83  1,200.00 EUR  volume_decline  buys a third of what it used to"
        "  worth it: personal call, 25.00 EUR for 180.00 EUR expected"
    )


def test_a_message_of_a_newer_release_is_still_a_line() -> None:
    newer = {**MESSAGE, "type": "tenure.attrition-alert-handed-over.v1", "data": {}}
    assert line_of(newer) == "2026-03-01 10:00  handed-over   c-17  risk -"


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b'{"data": 1}', b"\xff"])
def test_what_is_no_alert_is_named_by_its_place(value: bytes) -> None:
    with pytest.raises(CliError, match=r"attrition\.alerts/0/7"):
        read_message(record(value, topic="attrition.alerts", offset=7))


def test_pages_are_read_until_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {None: {"items": [{"n": 1}, {"n": 2}], "next": "b"}, "b": {"items": [{"n": 3}], "next": None}}
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=pages[request.url.params.get("cursor")])

    monkeypatch.setattr(
        alerts, "connect", lambda api, key: context.connect(api, key, transport=httpx.MockTransport(answer))
    )
    found = open_alerts("http://api", "k", sign="volume_decline", lapse_declared=False, limit=10)
    assert [{"n": 1}, {"n": 2}, {"n": 3}] == found
    assert [
        {"limit": "10", "sign": "volume_decline", "lapse_declared": "false"},
        {"limit": "8", "sign": "volume_decline", "lapse_declared": "false", "cursor": "b"},
    ] == asked


def test_whoever_follows_is_not_asked_who_has_lapsed() -> None:
    error = CliRunner().invoke(app, ["alerts", "--follow", "--not-lapsed"]).exception
    assert isinstance(error, CliError)
    assert error.exit_code == UNASKED

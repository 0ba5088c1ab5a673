"""What `tenure timeline` and `tenure customer` show, over a read API that runs."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from cli.backtesting.png import rasterised
from cli.main import app as tenure
from cli.wording import PHRASES, sentence
from services.projection.timeline import short_name
from shared.contracts.catalogue import FACT_TYPES
from tests.stories import ANALYTICS, cleared, numbered, purchase, raised, told
from tests.wiring.serving import serving
from tests.wiring.test_projection import Projection
from tests.wiring.test_read_api import a_base, served


async def deployment() -> tuple[FastAPI, str]:
    store = await a_base()
    long = numbered(told("retention", "long", *((n, purchase(n)) for n in range(1201))))
    await Projection(store).handle(*long)
    app, key, _ = await served(store)
    return app, key


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, str]]:
    """Of a read API, with a key."""
    app, key = asyncio.run(deployment())
    with serving(app) as url:
        yield url, key


@pytest.fixture(autouse=True)
def _found(address: tuple[str, str], broker_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_API", address[0])
    monkeypatch.setenv("TENURE_KAFKA", broker_address)
    monkeypatch.setenv("TENURE_KEY", address[1])


def run(*arguments: str) -> Result:
    return CliRunner().invoke(tenure, arguments)


def test_a_timeline_is_told_in_plain_words() -> None:
    lines = run("timeline", "c-1").stdout.splitlines()
    assert any("2026-01-02 00:00" in line and "bought for 19.99 EUR" in line for line in lines)
    assert any("ALERT raised, risk 90%, 50.00 EUR a year at stake" in line for line in lines)


def test_a_timeline_in_json_has_one_entry_a_line() -> None:
    entries = [json.loads(line) for line in run("timeline", "c-1", "--json").stdout.splitlines()]
    assert 24 == len(entries)
    assert all({"time", "type", "source", "id", "data"} <= entry.keys() for entry in entries)


def test_a_long_timeline_is_read_to_its_end() -> None:
    assert 1201 == len(run("timeline", "long", "--json").stdout.splitlines())


def test_days_narrow_a_timeline() -> None:
    found = run(
        "timeline", "c-1", "--type", "purchase-recorded", "--from", "2026-01-02", "--to", "2026-01-12", "--json"
    )
    assert ["retention/c-1/1"] == [json.loads(line)["id"] for line in found.stdout.splitlines()]


def test_a_timeline_as_of_a_day_ends_there() -> None:
    last = run("timeline", "c-1", "--as-of", "2026-01-03", "--json").stdout.splitlines()[-1]
    assert "2026-01-03T00:00:00Z" == json.loads(last)["time"]


def test_a_timeline_with_nothing_in_it_says_so() -> None:
    found = run("timeline", "c-1", "--from", "2030-01-01")
    assert (0, "") == (found.exit_code, found.stdout)
    assert "Nothing of that kind happened" in found.stderr


@pytest.mark.parametrize("verb", ["timeline", "customer"])
def test_an_unknown_customer_is_one_sentence(verb: str) -> None:
    assert "Nothing is known of a customer 'nobody'." == str(run(verb, "nobody").exception)


@pytest.mark.parametrize("verb", ["timeline", "customer"])
def test_any_customer_id_can_be_asked_for(verb: str) -> None:
    found = run(verb, "a/timeline", "--json")
    assert "a/timeline" in found.stdout


def test_a_customer_is_shown_in_a_panel() -> None:
    shown = run("customer", "c-1").stdout
    assert all(
        words in shown for words in ("c-1", "4 for 25.00 EUR and 3.00 USD", "broken since 2026-01-05", "came back")
    )


def test_a_customer_is_shown_as_of_a_day() -> None:
    shown = run("customer", "c-1", "--as-of", "2026-03-10").stdout
    assert all(words in shown for words in ("adoption since 2026-01-02", "raised since 2026-03-02", "50.00 EUR a year"))


def test_a_customer_in_json_is_the_document_of_the_api() -> None:
    assert 4 == json.loads(run("customer", "c-1", "--json").stdout)["purchases"]["count"]


def test_every_type_of_fact_has_words() -> None:
    assert {short_name(type_) for type_ in FACT_TYPES} == PHRASES.keys()


@pytest.mark.parametrize(
    "data", [{}, None, [], {"amount_minor": "x", "currency": 1, "risk": "high", "contributions": [{}]}]
)
@pytest.mark.parametrize("type_", [*FACT_TYPES, "tenure.attrition-alert-raised.v1", "tenure.newer.v2", "odd"])
def test_what_cannot_be_put_into_words_is_named(type_: str, data: object) -> None:
    assert sentence({"type": type_, "data": data})


def test_a_cleared_alert_is_told_with_what_is_left_of_the_risk() -> None:
    (record,) = told(ANALYTICS, "c-1", (9, cleared("c-1", 9)))
    assert "ALERT cleared, risk 10%" == sentence(json.loads(record.value or b""))


def test_a_raised_alert_is_told_with_its_reasons_and_what_to_do() -> None:
    (record,) = told(ANALYTICS, "c-1", (9, raised("c-1", 9)))
    told_ = "ALERT raised, risk 90%, 50.00 EUR a year at stake: silent for 41 days, own rhythm is 9"
    assert f"{told_}; worth it: personal call, 3.00 EUR for 5.00 EUR expected" == sentence(
        json.loads(record.value or b"")
    )


def test_a_life_is_drawn_with_its_events_its_risk_and_its_alerts() -> None:
    said = run("explain", "c-1")
    assert 0 == said.exit_code, said.output
    rows = dict(line.split(maxsplit=1) for line in said.stdout.splitlines()[:9] if line.strip())
    assert {"purchase", "risk", "alerts"} <= rows.keys()
    assert "R" in rows["alerts"]
    assert any("raised: " in line for line in said.stdout.splitlines())


def test_a_life_is_drawn_into_a_file(tmp_path: Path) -> None:
    file = tmp_path / "life.svg"
    assert 0 == run("explain", "c-1", "--svg", str(file)).exit_code
    picture = ElementTree.parse(file).getroot()
    assert "{http://www.w3.org/2000/svg}svg" == picture.tag
    assert list(picture.iter("{http://www.w3.org/2000/svg}circle"))


def test_a_life_is_drawn_into_files_of_both_forms(tmp_path: Path) -> None:
    svg, png = tmp_path / "life.svg", tmp_path / "life.png"
    assert 0 == run("explain", "c-1", "--svg", str(svg), "--png", str(png)).exit_code
    assert rasterised(svg.read_text(encoding="utf-8")) == png.read_bytes()


def test_of_whom_nothing_is_judged_there_is_no_picture() -> None:
    assert "c-2 has done nothing by then that is judged" in str(run("explain", "c-2").exception)


def test_a_life_up_to_a_day_knows_nothing_of_what_came_later() -> None:
    said = run("explain", "c-1", "--until", "2026-03-03").stdout
    assert "raised: " in said
    assert "cleared" not in said
    assert "on 3 days so far" in said


def test_before_the_first_event_there_is_no_picture() -> None:
    assert "has done nothing by then" in str(run("explain", "c-1", "--until", "2020-01-01").exception)

"""`tenure measures`: a catalogue of one's own, through the gateway, and shown as the read API has it."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from cli.errors import OUTCOME, UNASKED, CliError
from cli.main import app
from shared.contracts.envelope import read_inbound
from shared.contracts.measures import FIRST_OF_CATALOGUE, Measures
from shared.contracts.values import format_time
from shared.keys import Scope
from shared.settings import TimeSource
from tests.stories import measures, numbered, told
from tests.wiring.serving import serving
from tests.wiring.test_projection import Projection
from tests.wiring.test_read_api import served
from tests.wiring.test_send import PARTITIONS, Gateway, serve

OF_THE_PAGE = re.findall(r"```toml\n(.*?)```", Path("docs/alerts.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    with serve(TimeSource.HISTORY, Scope.SEND, Scope.ADMIN) as running:
        monkeypatch.setenv("TENURE_GATEWAY", running.url)
        monkeypatch.setenv("TENURE_KEY", running.key)
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "measures.toml"


def send(file: Path, text: str, *options: str) -> Result:
    file.write_text(text, encoding="utf-8")
    return CliRunner().invoke(app, ["measures", "send", str(file), *options])


def failure(result: Result) -> CliError:
    assert isinstance(result.exception, CliError)
    return result.exception


def test_the_catalogue_of_the_page_is_sent_to_every_partition(gateway: Gateway, file: Path) -> None:
    [text] = OF_THE_PAGE
    assert 0 == send(file, text, "--source", "crm").exit_code
    records = [record for n in range(PARTITIONS) for record in gateway.broker.records("retention.inbox", n)]
    assert PARTITIONS == len(records)
    for said in (read_inbound(record.value or b"", {Measures.TYPE: Measures}) for record in records):
        assert ("crm", f"measures-{format_time(said.time)}") == (said.source, said.id)
        assert isinstance(said.data, Measures)
        assert ["voucher", "technician"] == [measure.name for measure in said.data.measures]


def test_what_the_gateway_refuses_is_told_with_its_place(gateway: Gateway, file: Path) -> None:
    refused = failure(send(file, '[[measures]]\nname = "call"\nwords = "a call"\nsuccess_thousandths = 80\n'))
    assert (OUTCOME, True) == (refused.exit_code, "data.measures.0.cost" in refused.message)
    assert [] == gateway.events()


def test_a_date_where_none_belongs_is_refused_with_its_place(gateway: Gateway, file: Path) -> None:
    refused = failure(send(file, "measures = []\nsince = 2026-01-01\n"))
    assert (OUTCOME, True) == (refused.exit_code, "data.since" in refused.message)


def test_what_is_no_toml_is_not_sent(gateway: Gateway, file: Path) -> None:
    assert UNASKED == failure(send(file, "measures = [")).exit_code
    assert [] == gateway.events()


def test_where_a_file_gives_the_time_measures_stand_in_the_file(
    gateway: Gateway, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = {"gateway": gateway.url, "key": gateway.key, "time": "history"}
    (tmp_path / "local.json").write_text(json.dumps(local), encoding="utf-8")
    monkeypatch.setenv("TENURE_STATE", str(tmp_path))
    monkeypatch.delenv("TENURE_GATEWAY")
    assert "as an event" in failure(send(file, "measures = []")).message
    assert [] == gateway.events()


async def read_api() -> tuple[FastAPI, str]:
    projection = Projection()
    await projection.handle(*numbered(told("retention", FIRST_OF_CATALOGUE, (1, measures("call", "visit")))))
    api, key, _ = await served(projection.store)
    return api, key


def test_a_catalogue_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    api, key = asyncio.run(read_api())
    with serving(api) as url:
        monkeypatch.setenv("TENURE_API", url)
        monkeypatch.setenv("TENURE_KEY", key)
        table = CliRunner().invoke(app, ["measures", "show"]).stdout
        row = json.loads(CliRunner().invoke(app, ["measures", "show", "--json"]).stdout)
    assert ["call", "visit"] == [measure["name"] for measure in row["measures"]]
    assert "since 2026-01-02, by web-shop|retention-1" in table
    assert re.search(r"call +1\.00 EUR +- +0 % +50 % +everybody +do call", table)

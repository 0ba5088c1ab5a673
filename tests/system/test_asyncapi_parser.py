"""The AsyncAPI document as the parser of its own makers reads it, with the JSON Schemas it refers to."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.language.documents import FOLDER
from shared.contracts.generate import TYPES

pytestmark = pytest.mark.long

PARSER = "@asyncapi/parser@3.6.0"
FETCH_S, READ_S = 300, 120
PROGRAM = """\
import { Parser, fromFile } from '@asyncapi/parser';
const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
const found = diagnostics.map(d => ({ severity: d.severity, said: `${d.path.join('/')}: ${d.message}` }));
const operations = document.operations().all().map(o => [o.action(), o.channels().all()[0].address()]);
const payloads = document.components().messages().all().map(m => [m.id(), Object.keys(m.payload().properties() ?? {})]);
console.log(JSON.stringify({ found, operations, payloads }));
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not shutil.which("npm"):
        pytest.skip("there is no npm to fetch the AsyncAPI parser with")
    folder = tmp_path_factory.mktemp("parser")
    fetched = _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PARSER], folder, FETCH_S)
    if fetched.returncode:
        pytest.skip(f"npm cannot fetch {PARSER}: {fetched.stderr.strip().splitlines()[-1:]}")
    (folder / "read.mjs").write_text(PROGRAM)
    done = _run(["node", "read.mjs", str(FOLDER / "asyncapi.json")], folder, READ_S)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_it_finds_neither_an_error_nor_a_warning(read: dict[str, Any]) -> None:
    assert [d["said"] for d in read["found"] if d["severity"] <= 1] == []


def test_it_knows_what_is_sent_and_what_received(read: dict[str, Any]) -> None:
    assert ["receive", "retention.inbox"] in read["operations"]
    assert ["send", "attrition.alerts"] in read["operations"]


def test_it_reads_the_schema_of_every_type(read: dict[str, Any]) -> None:
    payloads = dict(read["payloads"])
    assert all({"specversion", "type", "data"} <= set(payloads[type_]) for type_ in TYPES)


def _run(command: list[str], folder: Path, seconds: float) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds)

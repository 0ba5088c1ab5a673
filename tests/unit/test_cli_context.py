"""Where the command finds the deployment, and how it says what a server refused."""

import json
from pathlib import Path

import httpx
import pytest

from cli.context import connect, connect_gateway, kafka_place, problem_sentence
from cli.errors import UNASKED, CliError

LOCAL = {"gateway": "http://here:1", "api": "http://here:2", "kafka": "here:3", "key": "local-key"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder, and nothing else said."""
    for name in ("API", "GATEWAY", "KEY", "KAFKA"):
        monkeypatch.delenv(f"TENURE_{name}", raising=False)
    monkeypatch.setenv("TENURE_STATE", str(tmp_path))
    return tmp_path


@pytest.fixture
def local(folder: Path) -> Path:
    (folder / "local.json").write_text(json.dumps(LOCAL))
    return folder


def test_the_local_deployment_is_found_by_its_state_folder(local: Path) -> None:
    with connect() as api, connect_gateway() as gateway:
        assert ("http://here:2", "http://here:1") == (str(api.base_url), str(gateway.base_url))
        assert api.headers["authorization"] == "Bearer local-key"
    assert kafka_place() == "here:3"


def test_the_local_broker_asks_for_nothing_whatever_another_one_asks_for(
    local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENURE_KAFKA_SECURITY", "sasl-tls")
    assert kafka_place() == "here:3"
    with pytest.raises(CliError, match=r"TENURE_KAFKA_USERNAME: is needed, for TENURE_KAFKA_SECURITY is sasl-tls\."):
        kafka_place("there:9")


def test_what_is_said_goes_before_what_is_found(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_KEY", "another")
    with connect("http://there:9") as api:
        assert ("http://there:9", "Bearer another") == (str(api.base_url), api.headers["authorization"])


def test_without_a_deployment_the_way_out_is_named(folder: Path) -> None:
    with pytest.raises(CliError, match="run `tenure local up`, or set TENURE_API and TENURE_KEY") as raised:
        connect()
    assert raised.value.exit_code == UNASKED


def test_a_damaged_state_file_is_no_traceback(folder: Path) -> None:
    (folder / "local.json").write_text('{"api": ')
    with pytest.raises(CliError, match="not readable any more"):
        connect()


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        (httpx.Response(404, json={"title": "Unknown", "detail": "No customer c-1"}), "No customer c-1."),
        (httpx.Response(409, json={"title": "Conflict"}), "Conflict."),
        (httpx.Response(401, json={"detail": "Unknown key."}), "Unknown key. Use `--key` or TENURE_KEY."),
        (httpx.Response(502, text="<html>"), "http://api/v1 answered 502 Bad Gateway."),
        (httpx.Response(500, json=["odd"]), "http://api/v1 answered 500 Internal Server Error."),
    ],
)  # fmt: skip
def test_a_problem_document_is_said_in_a_sentence(response: httpx.Response, sentence: str) -> None:
    response.request = httpx.Request("GET", "http://api/v1")
    assert sentence == problem_sentence(response)


def test_a_refusal_of_the_read_api_needs_no_look_at_the_status() -> None:
    refuses = httpx.MockTransport(lambda _: httpx.Response(403, json={"detail": "This key may not read"}))
    with (
        connect("http://api", "k", transport=refuses) as client,
        pytest.raises(CliError, match=r"This key may not read\."),
    ):
        client.get("/v1/alerts")

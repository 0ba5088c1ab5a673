"""`docker compose` itself understands docker-compose.yml as it is meant: asked of the loader that is inside it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import compose

pytestmark = pytest.mark.long

LOADER = Path(__file__).with_name("compose_loader")


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once, outside the tree."""
    if shutil.which("go") is None:
        pytest.skip("there is no `go` command: compose's loader is a Go module")
    program = tmp_path_factory.mktemp("loader") / "loader"
    built = subprocess.run(
        ["go", "build", "-o", str(program), "."], cwd=LOADER, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the two files that compose reads."""
    for file in (compose.FILE, compose.ENV_FILE):
        shutil.copy(file, tmp_path)
    return tmp_path


def load(loader: Path, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TENURE_", "COMPOSE_"))}
    return subprocess.run(
        [str(loader), str(folder)], capture_output=True, text=True, check=False, env={**clean, **variables}
    )


def loaded(loader: Path, folder: Path, **variables: str) -> dict[str, Any]:
    said = load(loader, folder, **variables)
    assert said.returncode == 0, said.stderr
    services: dict[str, Any] = json.loads(said.stdout)["services"]
    return services


def test_every_process_is_told_what_the_files_say(loader: Path, project: Path) -> None:
    told = {name: service.get("environment", {}) for name, service in loaded(loader, project).items()}
    for name, service in compose.services().items():
        assert {k: v for k, v in told[name].items() if v is not None} == compose.environment(service), name


def test_doors_are_published_to_this_machine_alone(loader: Path, project: Path) -> None:
    ports = {name: service.get("ports", []) for name, service in loaded(loader, project).items()}
    published = {(name, p["host_ip"], p["published"], p["target"]) for name, found in ports.items() for p in found}
    assert published == {
        ("gateway", "127.0.0.1", "8080", 8080),
        ("projection", "127.0.0.1", "8081", 8081),
        ("delivery", "127.0.0.1", "8086", 8086),
    }


def test_a_variable_of_the_shell_comes_before_the_file(loader: Path, project: Path) -> None:
    services = loaded(loader, project, TENURE_IMAGE="registry.example/tenure:7", TENURE_PUBLISH="0.0.0.0")
    assert services["retention"]["image"] == "registry.example/tenure:7"
    assert services["gateway"]["ports"][0]["host_ip"] == "0.0.0.0"


def test_the_key_of_the_callers_shell_reaches_the_command_and_no_service(loader: Path, project: Path) -> None:
    services = loaded(loader, project, TENURE_KEY="of-the-caller")
    keys = {
        name: s["environment"]["TENURE_KEY"] for name, s in services.items() if "TENURE_KEY" in s.get("environment", {})
    }
    assert keys == {"tenure": "of-the-caller"}


def test_a_setting_that_is_added_to_the_env_file_reaches_every_process(loader: Path, project: Path) -> None:
    with (project / ".env").open("a") as file:
        file.write("GATEWAY_BODY_S=5\nRETENTION_POLICY='{\"segments\": {}}'\n")
    services = loaded(loader, project)
    assert services["gateway"]["environment"]["GATEWAY_BODY_S"] == "5"
    assert services["retention"]["environment"]["RETENTION_POLICY"] == '{"segments": {}}'


def test_a_file_that_waits_for_what_is_not_there_is_refused(loader: Path, project: Path) -> None:
    file = project / compose.FILE.name
    file.write_text(file.read_text().replace("topics: {condition", "topics-of-old: {condition"))
    refused = load(loader, project)
    assert refused.returncode == 1
    assert "topics-of-old" in refused.stderr

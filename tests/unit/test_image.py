"""The image is made of what it should be, and of nothing more: its Dockerfile, its locks, its question for health."""

import asyncio
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.local.servers import free_ports
from shared import healthcheck
from shared.door import door
from shared.health import Health
from tests.compose import ROOT
from tests.dockerfile import base_image, ignore_patterns, read, visible

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINNED = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / lock).read_text()))


def names(requirements: list[str]) -> set[str]:
    return {NAME.findall(one)[0].lower() for one in requirements}


def test_hadolint_has_nothing_against_it() -> None:
    program = Path(sys.executable).with_name("hadolint")
    said = subprocess.run([program, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_its_base_is_one_image_and_no_other_that_may_come_under_the_same_name() -> None:
    assert PINNED.fullmatch(base_image(DOCKERFILE))
    assert {stage.base for stage in read(DOCKERFILE)} == {"${PYTHON}"}


def test_its_python_is_the_one_that_the_project_is_checked_for() -> None:
    assert f"python:{PROJECT['tool']['mypy']['python_version']}." in base_image(DOCKERFILE)


def test_its_process_is_nobody_by_number_so_that_kubernetes_can_see_it() -> None:
    uid, gid = read(DOCKERFILE)[-1].last("USER").value.split(":")
    assert int(uid) >= 10_000
    assert uid == gid


def test_no_shell_stands_between_the_engine_and_the_process() -> None:
    final = read(DOCKERFILE)[-1]
    assert final.last("ENTRYPOINT").words() == ["python", "-m"]
    assert final.last("ENTRYPOINT").value.startswith("[")
    assert final.health_command == ["python", "-m", healthcheck.__name__]


def test_its_port_is_said_and_is_the_one_it_listens_on() -> None:
    final = read(DOCKERFILE)[-1]
    assert final.last("EXPOSE").value == final.environment["TENURE_PORT"]


def test_its_version_is_that_of_the_project() -> None:
    versions = [i.pairs() for i in read(DOCKERFILE)[-1].instructions if i.keyword == "ARG"]
    assert PROJECT["project"]["version"] in [pair.get("VERSION") for pair in versions]


def test_the_same_versions_run_in_it_as_were_tested() -> None:
    tested = pins("requirements.lock")
    assert {name: tested.get(name) for name in pins("deploy/requirements.lock")} == pins("deploy/requirements.lock")


def test_all_that_the_project_needs_is_in_its_lock_and_nothing_for_tests() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    locked, needed = set(pins("deploy/requirements.lock")), names(PROJECT["project"]["dependencies"])
    assert needed <= locked
    assert set().union(*map(names, extras.values())) & locked <= needed


def test_what_builds_it_is_locked_as_the_project_asks() -> None:
    assert [f"{name}=={version}" for name, version in pins("deploy/build.lock").items()] == PROJECT["build-system"][
        "requires"
    ]


def test_every_pin_has_its_hashes() -> None:
    for lock in ("deploy/requirements.lock", "deploy/build.lock"):
        entries = (ROOT / lock).read_text().replace("\\\n", "").splitlines()
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_builder_sees_the_packages_and_what_is_copied_and_nothing_else() -> None:
    seen = list(visible(ROOT, ignore_patterns(ROOT / ".dockerignore")))
    assert {file.parts[0] for file in seen} == {
        "LICENSE", "README.md", "pyproject.toml", "cli", "deploy", "services", "shared"
    }  # fmt: skip
    assert [f for f in seen if f.name.startswith(".") or "__pycache__" in f.parts or f.name.endswith(".pyc")] == []
    copied = [word for i in read(DOCKERFILE)[0].instructions if i.keyword == "COPY" for word in i.words()[:-1]]
    assert [f for f in seen if not any(f.is_relative_to(word) for word in copied)] == []
    assert [word for word in copied if not any(f.is_relative_to(word) for f in seen)] == []


def test_every_package_that_the_project_ships_is_copied() -> None:
    shipped = {pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = {
        word.split("/")[0] for i in read(DOCKERFILE)[0].instructions if i.keyword == "COPY" for word in i.words()[:-1]
    }
    assert shipped <= copied


async def ask(health: Health, question: str) -> tuple[int, str | None]:
    (port,) = free_ports(1)
    async with door("retention", health, "127.0.0.1", port):
        environment = {"TENURE_HOST": "0.0.0.0", "TENURE_PORT": str(port)}
        code = await asyncio.to_thread(healthcheck.main, [question], environment)
        return code, await asyncio.to_thread(healthcheck.why_not, "127.0.0.1", port, question)


async def test_a_process_that_is_ready_is_healthy() -> None:
    health = Health(stalled_after_s=180)
    health.phase = None
    assert await ask(health, healthcheck.READY) == (healthcheck.YES, None)


async def test_a_process_that_is_not_ready_is_not_healthy_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert await ask(Health(stalled_after_s=180), healthcheck.READY) == (healthcheck.NO, "starting")
    assert capsys.readouterr().out.splitlines()[-1] == "starting"


async def test_a_process_that_only_starts_is_alive() -> None:
    assert await ask(Health(stalled_after_s=180), healthcheck.ALIVE) == (healthcheck.YES, None)


def test_where_nobody_listens_nobody_is_healthy() -> None:
    reason = healthcheck.why_not("127.0.0.1", 1, healthcheck.READY)
    assert reason is not None
    assert "127.0.0.1:1" in reason


@pytest.mark.parametrize(
    ("arguments", "port"), [(["metrics"], "8080"), ([], "0"), ([], "http"), ([], "²"), ([], "65536")]
)
def test_what_cannot_be_asked_is_no_answer(arguments: list[str], port: str) -> None:
    assert healthcheck.main(arguments, {"TENURE_PORT": port}) == healthcheck.CANNOT_ASK


@pytest.mark.parametrize(
    ("listens_on", "asked_at"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.7", "10.0.0.7"), ("gateway", "gateway")],
)
def test_it_asks_where_the_process_listens(listens_on: str, asked_at: str) -> None:
    assert healthcheck.own_address(listens_on) == asked_at


def test_the_question_loads_nothing_beyond_the_standard_library() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, {healthcheck.__name__}; print(*sys.modules)"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout.split()  # fmt: skip
    plain = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    added = {name.partition(".")[0] for name in loaded} - {name.partition(".")[0] for name in plain.stdout.split()}
    assert added - sys.stdlib_module_names == {"shared"}

"""Keys and passwords are in no log, no answer and nothing that the command prints, whatever is sent, at any level."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.processes import spawn
from deploy.local.servers import HOST, free_ports
from deploy.local.stack import LocalStack
from tests.waiting import wait_until

pytestmark = pytest.mark.system

FOREIGN_KEY = "tnr_0123456789ab_marked-secret-of-a-foreign-key"
MONGO_PASSWORD = "marked-password-of-the-database"
NOWHERE = f"mongodb://tenure:{MONGO_PASSWORD}@{HOST}:1/"
DOORS = ("gateway", "projection", "delivery", "analytics", "retention")
CLOUD_EVENT = {"Content-Type": "application/cloudevents+json"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    env = {"TENURE_LOG_LEVEL": "DEBUG"}
    with LocalStack(tmp_path_factory.mktemp("state"), partitions=2, free_ports=True, env=env) as up:
        yield up


def requests(url: str, key: str) -> Iterator[httpx.Request]:
    """Good and bad ones, with the key in every place that somebody may put it by mistake."""
    bearer = {"Authorization": f"Bearer {key}"}
    paths = ("/v1/events", "/v1/alerts", "/v1/alerts/stream", "/v1/customers/c-1", "/nothing", "/livez", "/metrics")
    for path in paths:
        yield httpx.Request("GET", url + path, headers={**bearer, "Last-Event-ID": "no-such-id"})
        yield httpx.Request("GET", url + path, headers={"X-API-Key": key}, params={"limit": "many"})
        yield httpx.Request("GET", url + path, headers={"Cookie": f"session={key}"}, params={"key": key})
        yield httpx.Request("GET", url + path, headers={"Authorization": f"Basic {key}"})
    for body in (b"{", b"[]", b'{"specversion": "1.0"}', b'{"subject": "\xff"}', b"[" * 5_000):
        yield httpx.Request("POST", f"{url}/v1/events", content=body, headers={**bearer, **CLOUD_EVENT})
        yield httpx.Request("POST", f"{url}/v1/events:validate", content=body, headers={**bearer, **CLOUD_EVENT})


def test_no_key_is_in_any_answer_or_log(stack: LocalStack) -> None:
    answers: list[str] = []
    with httpx.Client(trust_env=False, timeout=10) as client:
        for door in DOORS:
            for key in (stack.key, FOREIGN_KEY):
                for request in requests(stack.deployment.url(door), key):
                    with_stream = client.send(request, stream=True)  # a stream of alerts has no end
                    if not with_stream.headers.get("content-type", "").startswith("text/event-stream"):
                        answers.append(f"{with_stream.read().decode()} {with_stream.headers}")
                    with_stream.close()
    logs = "".join(file.read_text() for file in (stack.folder.path / "logs").glob("*.log"))
    assert '"level": "info"' in logs
    for what, said in (("answers", "".join(answers)), ("logs", logs)):
        assert [] == [key for key in (stack.key, FOREIGN_KEY) if key in said], what


@pytest.mark.long
@pytest.mark.parametrize("service", ["gateway", "projection", "retention"])
def test_a_password_inside_the_address_of_the_database_is_not_said(
    stack: LocalStack, tmp_path: Path, service: str
) -> None:
    (port,), log = free_ports(1), tmp_path / f"{service}.log"
    told = {
        "TENURE_KAFKA": stack.kafka,
        "TENURE_MONGO": NOWHERE,
        "TENURE_PROFILE": "embedded",
        "TENURE_PARTITIONS": "2",
    }
    env = {**os.environ, **told, "TENURE_PORT": str(port), "TENURE_LOG_LEVEL": "DEBUG"}
    child = spawn([sys.executable, "-m", f"services.{service}"], log=log, cwd=tmp_path, env=env)
    url = f"http://{HOST}:{port}"
    try:
        wait_until(lambda: "http_listening" in log.read_text(), service)
        headers = {"Authorization": f"Bearer {FOREIGN_KEY}"}
        paths = ("/readyz", "/v1/alerts", "/v1/events")
        if service != "gateway":  # which asks the database for nothing but keys, and for them at every request
            wait_until(lambda: '"waiting"' in log.read_text(), "the reason", within_s=60)
        said = "".join(httpx.get(url + path, headers=headers, trust_env=False, timeout=30).text for path in paths)
    finally:
        child.terminate()
        child.wait(timeout=30)
    assert MONGO_PASSWORD not in said + log.read_text()


@pytest.mark.long
@pytest.mark.parametrize(
    "verb",
    [["audit"], ["keys", "list"], ["redrive"], ["alerts"], ["timeline", "c-1"], ["local", "status"]],
    ids=lambda verb: verb[0],
)
@pytest.mark.parametrize("traceback", ["", "1"], ids=["a-sentence", "a-traceback"])
def test_the_command_shows_no_secret_when_it_fails(
    stack: LocalStack, tmp_path: Path, verb: list[str], traceback: str
) -> None:
    told = {"TENURE_KAFKA": stack.kafka, "TENURE_MONGO": f"{NOWHERE}?serverSelectionTimeoutMS=500&timeoutMS=500"}
    web = {"TENURE_API": "http://127.0.0.1:1", "TENURE_KEY": FOREIGN_KEY, "TENURE_STATE": str(tmp_path)}
    env = {**os.environ, **told, **web, "TENURE_TRACEBACK": traceback}
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *verb], env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert 0 != done.returncode
    assert [] == [s for s in (MONGO_PASSWORD, FOREIGN_KEY, "marked") if s in done.stdout + done.stderr]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"TENURE_MONGO": f"mongodb://me:{MONGO_PASSWORD}/x@db"}, "TENURE_MONGO: is no URL of MongoDB"),
        ({"TENURE_KAFKA_PASSWORD": MONGO_PASSWORD}, "TENURE_KAFKA_PASSWORD: would not be used with"),
        ({"TENURE_KAFKA_SECURITY": "tls", "TENURE_KAFKA_CA_FILE": "/none"}, "TENURE_KAFKA_CA_FILE: Path does not"),
        ({"TENURE_SECRETS_DIR": "/none"}, 'TENURE_SECRETS_DIR: directory "/none" does not exist'),
        ({"TENURE_LOG_LEVEL": "LOUD"}, "TENURE_LOG_LEVEL: log level 'LOUD' is none of"),
    ],
)
def test_a_setting_that_cannot_be_right_ends_the_start_with_its_name(settings: dict[str, str], expected: str) -> None:
    env = {**os.environ, "TENURE_KAFKA": f"{HOST}:1", "TENURE_MONGO": NOWHERE, **settings}
    done = subprocess.run(
        [sys.executable, "-m", "services.gateway"], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert 2 == done.returncode
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert MONGO_PASSWORD not in done.stdout + done.stderr


def test_the_topics_are_not_made_with_a_setting_that_cannot_be_right() -> None:
    env = {**os.environ, "TENURE_KAFKA": f"{HOST}:1", "TENURE_MONGO": "none"}
    command = [sys.executable, "-m", "shared.kafka_topics"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert (2, True) == (done.returncode, done.stderr.startswith("topics cannot start: TENURE_MONGO: is no URL"))

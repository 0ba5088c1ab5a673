"""Apache Kafka with SCRAM over TLS: everything passes for whoever has the password and trusts the right authority, and
whoever has not waits, says why, and gives nothing away."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from cli.topic_reader import read_to_end
from deploy.local.processes import spawn
from deploy.local.servers import HOST, broker_answers, free_ports
from deploy.local.stack import LocalStack
from deploy.local.state import Given
from shared.broker import Record
from shared.connections import KafkaConnection
from shared.kafka_client import client_options
from shared.kafka_refusals import start, why_unreachable
from shared.profile import ProfileName
from shared.topics import CUSTOMER_EVENTS
from tests import secured_broker
from tests.certificates import Authority
from tests.system.ground import native_nodes
from tests.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.long]

WRONG = "wrong-horse-battery-staple"
WITHIN_S = 30.0
EVENT = {
    "specversion": "1.0",
    "id": "order-1",
    "source": "web-shop",
    "type": "tenure.purchase.v1",
    "subject": "c-1",
    "data": {"amount_minor": 1999, "currency": "EUR"},
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[KafkaConnection]:
    native_nodes(1)
    with secured_broker.with_users(tmp_path_factory.mktemp("broker"), authority) as address:
        yield secured_broker.connection(address, authority)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, kafka: KafkaConnection, database_url: str) -> Iterator[LocalStack]:
    """Gateway and retention, told of the broker as operators tell them."""
    folder, given = tmp_path_factory.mktemp("state"), Given(kafka.kafka, database_url, ProfileName.LOCAL)
    env = {**secured_broker.variables(kafka), "TENURE_DATABASE_PREFIX": "secured", "TENURE_LOG_LEVEL": "DEBUG"}
    with LocalStack(
        folder, given=given, partitions=2, free_ports=True, env=env, services=("gateway", "retention")
    ) as up:
        yield up


def test_an_event_passes_from_the_door_to_the_log(stack: LocalStack, kafka: KafkaConnection) -> None:
    answer = httpx.post(
        f"{stack.gateway_url}/v1/events",
        json={**EVENT, "time": "2026-11-20T10:00:00Z"},
        headers={"Authorization": f"Bearer {stack.key}", "Content-Type": "application/cloudevents+json"},
        trust_env=False,
    )
    assert 202 == answer.status_code, answer.text

    def recorded() -> bool:
        records: list[Record] = []
        asyncio.run(read_to_end(kafka, [CUSTOMER_EVENTS], records.append))
        return "tenure.purchase-recorded.v1" in {json.loads(r.value)["type"] for r in records if r.key and r.value}

    wait_until(recorded, "the log", within_s=WITHIN_S)


@pytest.mark.parametrize(
    "verb", [["dead-letters"], ["redrive", "--dry-run"], ["audit"], ["keys", "list"]], ids=lambda verb: verb[0]
)
def test_a_command_goes_by_the_same_settings(stack: LocalStack, kafka: KafkaConnection, verb: list[str]) -> None:
    done = tenure(verb, {**secured_broker.variables(kafka), **database_of(stack)})
    assert done.returncode in (0, 1), done.stderr  # asked and answered; the books of two services alone do not balance
    assert "could not be asked" not in done.stderr


def test_a_command_with_a_wrong_password_says_so(kafka: KafkaConnection, authority: Authority) -> None:
    wrong = secured_broker.connection(kafka.kafka, authority, password=WRONG)
    done = tenure(["dead-letters"], secured_broker.variables(wrong))
    assert 2 == done.returncode
    assert f"{kafka.kafka} refuses TENURE_KAFKA_USERNAME with TENURE_KAFKA_PASSWORD" in done.stderr
    assert WRONG not in done.stdout + done.stderr


def test_a_process_with_a_wrong_password_waits_and_says_why(
    stack: LocalStack, kafka: KafkaConnection, authority: Authority, tmp_path: Path
) -> None:
    wrong = secured_broker.connection(kafka.kafka, authority, password=WRONG)
    expected = f"{kafka.kafka} refuses TENURE_KAFKA_USERNAME with TENURE_KAFKA_PASSWORD"
    with retention(stack, wrong, tmp_path) as process:
        process.waits_because(expected)
    assert WRONG not in process.log.read_text()


def test_a_process_that_does_not_trust_the_authority_waits_and_says_why(
    stack: LocalStack, kafka: KafkaConnection, tmp_path: Path
) -> None:
    stranger = secured_broker.connection(kafka.kafka, Authority(tmp_path / "stranger"))
    with retention(stack, stranger, tmp_path) as process:
        process.waits_because("shows a certificate that is not trusted: unable to get local issuer certificate")
    assert secured_broker.PASSWORD not in process.log.read_text()


def test_no_process_says_the_password_or_the_key(stack: LocalStack) -> None:
    said = "".join(stack.folder.log(name).read_text() for name in ("gateway", "retention"))
    assert "process_started" in said
    assert [] == [secret for secret in (secured_broker.PASSWORD, stack.key) if secret in said]


async def test_who_comes_in_plain_text_is_not_let_in(kafka: KafkaConnection) -> None:
    assert await why_unreachable(kafka.kafka) is not None


async def test_a_mechanism_that_the_broker_does_not_take_is_named(kafka: KafkaConnection) -> None:
    other = KafkaConnection.model_validate({**kafka.model_dump(), "kafka_sasl_mechanism": "SCRAM-SHA-256"})
    assert "does not take SCRAM-SHA-256: TENURE_KAFKA_SASL_MECHANISM does not fit" in str(await why_unreachable(other))


async def test_with_mutual_tls_a_certificate_is_the_password(tmp_path: Path, authority: Authority) -> None:
    native_nodes(1)
    with secured_broker.with_certificates(tmp_path / "broker", authority) as address:
        with_one = secured_broker.certified(address, authority)
        assert broker_answers(with_one)
        without = KafkaConnection(kafka=address, kafka_security="tls", kafka_ca_file=authority.file)
        producer = AIOKafkaProducer(**client_options(without))
        with pytest.raises(Exception, match="does not take our certificate, or wants one"):
            await start(producer, without)
        await producer.stop()


@dataclass
class Starting:
    """A process that does not get further than its start."""

    child: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def waits_because(self, expected: str) -> None:
        """It is alive, not ready, says the reason, and ends when asked to."""
        wait_until(lambda: expected in self._reasons(), f"the reason in {self._reasons()}", within_s=WITHIN_S)
        assert 200 == httpx.get(f"http://{HOST}:{self.port}/livez", trust_env=False).status_code
        self.child.terminate()
        assert 0 == self.child.wait(timeout=WITHIN_S)

    def _reasons(self) -> str:
        try:
            answer = httpx.get(f"http://{HOST}:{self.port}/readyz", trust_env=False)
        except httpx.ConnectError:
            return ""
        assert 503 == answer.status_code
        return answer.text


@contextmanager
def retention(stack: LocalStack, kafka: KafkaConnection, folder: Path) -> Iterator[Starting]:
    (port,), log = free_ports(1), folder / "retention.log"
    told = {"TENURE_PROFILE": "local", "TENURE_PORT": str(port), "TENURE_LOG_LEVEL": "DEBUG"}
    env = {**os.environ, **secured_broker.variables(kafka), **database_of(stack), **told}
    child = spawn([sys.executable, "-m", "services.retention"], log=log, cwd=folder, env=env)
    try:
        yield Starting(child, port, log)
    finally:
        child.kill()
        child.wait()


def database_of(stack: LocalStack) -> dict[str, str]:
    return {"TENURE_MONGO": stack.mongo, "TENURE_DATABASE_PREFIX": "secured"}


def tenure(verb: list[str], env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cli.main", *verb]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=60)

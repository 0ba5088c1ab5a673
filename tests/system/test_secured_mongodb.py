"""MongoDB that asks for TLS and a password lets in whoever has both, and says to others what is amiss. In a container,
for the stand-in knows neither."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError
from testcontainers.core.container import DockerContainer

from deploy.local.servers import database_answers
from shared.connections import MongoConnection
from shared.mongo import close, connect, durable, sentence
from tests.certificates import Authority
from tests.containers import MONGODB_IMAGE, why_no_docker
from tests.waiting import wait_until

pytestmark = [pytest.mark.system, pytest.mark.long]

HOST = "localhost"
USER, PASSWORD = "tenure", "correct-horse-battery-staple"
INSIDE = "/certificates"


@dataclass(frozen=True)
class Secured:
    url: str
    authority: Authority

    def connection(self, **others: object) -> MongoConnection:
        told = {"mongo": self.url, "mongo_username": USER, "mongo_password": PASSWORD}
        return MongoConnection.model_validate({**told, "mongo_ca_file": self.authority.file, **others})


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    if reason := why_no_docker():
        pytest.skip(f"no MongoDB here: {reason}")
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    authority.issue("database", HOST)
    for path in (folder, *folder.iterdir()):  # the database's user inside has another number
        path.chmod(0o755 if path.is_dir() else 0o644)
    container = DockerContainer(MONGODB_IMAGE).with_exposed_ports(27017).with_volume_mapping(str(folder), INSIDE)
    container.with_envs(MONGO_INITDB_ROOT_USERNAME=USER, MONGO_INITDB_ROOT_PASSWORD=PASSWORD)
    container.with_command(
        f"--bind_ip_all --tlsMode requireTLS --tlsCertificateKeyFile {INSIDE}/database-both.pem"
        f" --tlsCAFile {INSIDE}/authority.pem --tlsAllowConnectionsWithoutCertificates"
    )
    with container:
        port = container.get_exposed_port(27017)
        server = Secured(f"mongodb://{HOST}:{port}/?directConnection=true", authority)
        wait_until(lambda: database_answers(server.connection()), "MongoDB")
        yield server


async def test_who_has_the_password_and_trusts_the_authority_writes_and_reads(secured: Secured) -> None:
    client = connect(secured.connection())
    try:
        things = durable(client, "tenure_test")["things"]
        await things.insert_one({"_id": "a"})
        assert {"_id": "a"} == await things.find_one({"_id": "a"})
    finally:
        await close(client)


async def test_a_wrong_password_is_one_sentence(secured: Secured) -> None:
    said = await refusal(secured.connection(mongo_password="wrong-horse"))
    assert said == "MongoDB refuses the user or the password; see TENURE_MONGO"


async def test_an_authority_that_is_not_trusted_is_named(secured: Secured, tmp_path: Path) -> None:
    said = await refusal(secured.connection(mongo_ca_file=Authority(tmp_path / "stranger").file))
    assert "certificate verify failed" in said
    assert PASSWORD not in said


def test_who_comes_without_tls_is_not_let_in(secured: Secured) -> None:
    assert not database_answers(secured.url)


async def refusal(mongo: MongoConnection) -> str:
    client = connect(mongo, timeout_s=3)
    try:
        with pytest.raises(PyMongoError) as caught:
            await client.admin.command("ping")
    finally:
        await close(client)
    return sentence(caught.value)

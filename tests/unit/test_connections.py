"""What would not be encrypted or authenticated as somebody meant it is refused, by the setting's name and no value."""

from pathlib import Path
from typing import Any

import pytest

from deploy.local.parts import environment
from deploy.local.state import Deployment
from shared.connections import SECRETS_DIR, KafkaConnection, MongoConnection, what_is_wrong
from shared.kafka import security_of
from shared.kafka_client import client_options
from shared.mongo import client_options as mongo_options
from shared.settings import Platform
from tests.certificates import Authority

USER = {"kafka_username": "tenure", "kafka_password": "one-two-three"}
Settings = dict[str, Any]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def refusal(kind: type[KafkaConnection | MongoConnection | Platform], settings: Settings) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - what it says is what is tested
        kind.model_validate(settings)
    return what_is_wrong(caught.value)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"kafka_security": "sasl-tls"}, "TENURE_KAFKA_USERNAME: is needed"),
        ({"kafka_security": "sasl-plaintext", "kafka_username": "tenure"}, "TENURE_KAFKA_PASSWORD: is needed"),
        (USER, "TENURE_KAFKA_USERNAME: would not be used with TENURE_KAFKA_SECURITY=plaintext"),
        ({"kafka_security": "tls", **USER}, "TENURE_KAFKA_USERNAME: would not be used with TENURE_KAFKA_SECURITY=tls"),
        ({"kafka_security": "tls", "kafka_ca_file": "/is/not/there"}, "TENURE_KAFKA_CA_FILE: Path does not point to"),
        ({"kafka_ca_file": __file__}, "TENURE_KAFKA_CA_FILE: would not be used with TENURE_KAFKA_SECURITY=plaintext"),
        ({"kafka_security": "tls", "kafka_cert_file": __file__}, "TENURE_KAFKA_KEY_FILE: is needed"),
        ({"kafka_security": "tls", "kafka_key_file": __file__}, "TENURE_KAFKA_CERT_FILE: is needed"),
        ({"kafka_security": "tls", "kafka_ca_file": __file__}, "TENURE_KAFKA_CA_FILE: has no certificate that can be"),
        ({"kafka_security": "ssl"}, "TENURE_KAFKA_SECURITY: Input should be 'plaintext'"),
        ({"kafka_sasl_mechanism": "GSSAPI"}, "TENURE_KAFKA_SASL_MECHANISM: Input should be"),
    ],
)
def test_half_of_what_a_connection_to_kafka_needs_is_refused(settings: Settings, expected: str) -> None:
    said = refusal(KafkaConnection, {"kafka": "broker:9092", **settings})
    assert said.startswith(expected)
    assert "one-two-three" not in said


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"mongo": "mongodb://me:one/two-three@db"}, "TENURE_MONGO: is no URL of MongoDB"),
        ({"mongo": "postgres://me:one-two-three@db"}, "TENURE_MONGO: is no URL of MongoDB"),
        ({"mongo_username": "me"}, "TENURE_MONGO_PASSWORD: is needed, for TENURE_MONGO_USERNAME is set"),
        ({"mongo_password": "one-two-three"}, "TENURE_MONGO_USERNAME: is needed, for TENURE_MONGO_PASSWORD is set"),
        (
            {"mongo": "mongodb://a:b@db", "mongo_username": "me", "mongo_password": "one-two-three"},
            "TENURE_MONGO_USERNAME: TENURE_MONGO carries credentials already",
        ),
        ({"mongo_ca_file": __file__}, "TENURE_MONGO_CA_FILE: has no certificate that can be read"),
        ({"mongo_cert_file": __file__}, "TENURE_MONGO_CERT_FILE: has no certificate in PEM"),
    ],
)
def test_half_of_what_a_connection_to_mongodb_needs_is_refused(settings: Settings, expected: str) -> None:
    said = refusal(MongoConnection, {"mongo": "mongodb://db", **settings})
    assert said.startswith(expected)
    assert "two-three" not in said


def test_a_url_that_turns_tls_off_is_refused_beside_files_for_it(authority: Authority) -> None:
    said = refusal(MongoConnection, {"mongo": "mongodb://db/?tls=false", "mongo_ca_file": authority.file})
    assert said == "TENURE_MONGO: the URL turns TLS off, and there are files for it"


def test_a_key_that_is_not_the_certificates_is_refused(authority: Authority) -> None:
    one, other = authority.issue("one"), authority.issue("other")
    files = {"kafka_cert_file": one.file, "kafka_key_file": other.key_file}
    said = refusal(KafkaConnection, {"kafka": "b:1", "kafka_security": "tls", **files})
    assert said == "TENURE_KAFKA_KEY_FILE: is not the key of the certificate"


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(authority: Authority) -> None:
    one = authority.issue("one")
    files = {"kafka_cert_file": one.file, "kafka_key_file": one.encrypted_key("locked")}
    said = refusal(KafkaConnection, {"kafka": "b:1", "kafka_security": "tls", **files})
    assert said.startswith("TENURE_KAFKA_KEY_FILE: is encrypted")


def test_every_client_of_kafka_is_told_the_same(authority: Authority) -> None:
    settings = {"kafka": "one:1,two:2", "kafka_security": "sasl-tls", "kafka_ca_file": authority.file, **USER}
    kafka = KafkaConnection.model_validate(settings)
    told, faststream = client_options(kafka), security_of(kafka)
    assert (["one:1", "two:2"], "SASL_SSL", "SCRAM-SHA-512", "tenure", "one-two-three") == tuple(
        told[name]
        for name in (
            "bootstrap_servers",
            "security_protocol",
            "sasl_mechanism",
            "sasl_plain_username",
            "sasl_plain_password",
        )
    )
    assert told["ssl_context"].check_hostname
    assert "SASLScram512" == type(faststream).__name__
    assert faststream.ssl_context is not None
    assert faststream.use_ssl


def test_every_client_of_mongodb_is_told_the_same(authority: Authority) -> None:
    mongo = MongoConnection.model_validate(
        {
            "mongo": "mongodb://db/?replicaSet=rs",
            "mongo_username": "me",
            "mongo_password": "p@ss word",
            "mongo_ca_file": authority.file,
            "mongo_cert_file": authority.issue("client").both,
        }
    )
    assert {
        "host": "mongodb://db/?replicaSet=rs",
        "username": "me",
        "password": "p@ss word",
        "tls": True,
        "tlsCAFile": str(authority.file),
        "tlsCertificateKeyFile": str(authority.file.with_name("client-both.pem")),
    } == mongo_options(mongo)


def test_a_local_deployment_is_not_told_how_some_other_one_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TENURE_KAFKA_SECURITY", "TENURE_MONGO_CA_FILE", SECRETS_DIR):
        monkeypatch.setenv(name, "of another deployment")
    told = environment("gateway", Deployment({"gateway": 1, "broker": 2, "database": 3}, "key", "wall", 2, 60, 60))
    assert ("127.0.0.1:2", []) == (told["TENURE_KAFKA"], [n for n, v in told.items() if v == "of another deployment"])


@pytest.fixture
def secrets_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv(SECRETS_DIR, str(folder))
    return folder


def test_a_file_stands_for_a_variable_that_is_not_set(secrets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets_dir / "tenure_mongo").write_text("mongodb://me:from-a-file@db\n")
    (secrets_dir / "tenure_kafka").write_text("from-a-file:9092\n")
    monkeypatch.setenv("TENURE_KAFKA", "from-the-environment:9092")
    platform = Platform()
    assert "mongodb://me:from-a-file@db" == platform.mongo.get_secret_value()
    assert "from-the-environment:9092" == platform.kafka


def test_secrets_are_mounted_by_links_as_kubernetes_does_it(secrets_dir: Path) -> None:
    (secrets_dir / "..2026_01_01").mkdir()
    (secrets_dir / "..2026_01_01" / "tenure_mongo").write_text("mongodb://me:linked@db")
    (secrets_dir / "..data").symlink_to("..2026_01_01")
    (secrets_dir / "tenure_mongo").symlink_to("..data/tenure_mongo")
    assert "mongodb://me:linked@db" == MongoConnection().mongo.get_secret_value()


def test_a_folder_of_secrets_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRETS_DIR, "/is/not/there")
    assert refusal(Platform, {}).startswith("TENURE_SECRETS_DIR: directory")


def test_a_secret_that_is_no_file_is_refused_and_not_passed_over(secrets_dir: Path) -> None:
    (secrets_dir / "tenure_mongo").mkdir()
    assert refusal(MongoConnection, {}).startswith("TENURE_SECRETS_DIR: attempted to load secret file")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_KAFKA_USERNAME", "")
    monkeypatch.setenv("TENURE_KAFKA_CA_FILE", "")
    assert KafkaConnection(kafka="broker:9092").kafka_username is None


def test_neither_what_is_printed_nor_what_is_refused_shows_a_secret() -> None:
    settings = {"kafka": "b:1", "mongo": "mongodb://me:one-two-three@db", "partitions": "none", **USER}
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Platform.model_validate(settings)
    fine = Platform.model_validate({**settings, "partitions": 2, "kafka_security": "sasl-plaintext"})
    assert "one-two-three" not in f"{caught.value} {caught.value!r} {fine} {fine!r}"
    assert {"one-two-three", "mongodb://me:one-two-three@db"} == set(fine.secrets())

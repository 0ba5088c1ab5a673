"""Would our processes start with what the chart tells them? Their own settings are read from it, files and all."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic_settings import BaseSettings

from shared.settings import Platform
from tests.system.chart.helm import PRODUCTION, ROOT, Document, Refused, Rendered, arguments, render

pytestmark = pytest.mark.long

TEXTS = {
    "tenure_mongo": "mongodb://tenure:of-mongo@mongo.example.com/?replicaSet=rs0",
    "tenure_kafka_username": "tenure",
    "tenure_kafka_password": "of-kafka",
}
MUTUAL = (
    'settings={"TENURE_KAFKA_SECURITY": "tls"}',
    'secrets={"TENURE_KAFKA_CERT_FILE": {"secret": "user", "key": "user.crt"}, '
    '"TENURE_KAFKA_KEY_FILE": {"secret": "user", "key": "user.key"}}',
)


class Mounts:
    """The volumes of a pod as files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._authority = folder, trustme.CA()
        self._certificate = self._authority.issue_cert("tenure")

    def environment(self, pod: Document) -> dict[str, str]:
        """Writes what is mounted; variables that name a mounted path name the file's place here."""
        (container,) = pod["spec"]["containers"]
        projected = {v["name"]: v["projected"]["sources"] for v in pod["spec"]["volumes"] if "projected" in v}
        for mount in container["volumeMounts"]:
            for path in _paths(projected.get(mount["name"], [])):
                file = self._folder / mount["mountPath"].lstrip("/") / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self._content(path))
        said = {variable["name"]: variable["value"] for variable in container["env"]}
        return {name: f"{self._folder}{value}" if value.startswith("/run/") else value for name, value in said.items()}

    def _content(self, path: str) -> str:
        if path.endswith("_ca_file.pem"):
            return self._authority.cert_pem.bytes().decode()
        if path.endswith("_cert_file.pem"):
            return self._certificate.cert_chain_pems[0].bytes().decode()
        if path.endswith("_key_file.pem"):
            return self._certificate.private_key_pem.bytes().decode()
        return TEXTS[path]


def _paths(sources: list[Document]) -> Iterator[str]:
    for source in sources:
        for kind in source.values():
            yield from (item["path"] for item in kind["items"])


@pytest.fixture
def mounts(tmp_path: Path) -> Mounts:
    return Mounts(tmp_path)


def told(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Platform:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Platform()


def test_every_process_understands_what_it_is_told(
    chart: Rendered, mounts: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, pod in chart.pods():
        with monkeypatch.context() as patch:
            platform = told(patch, mounts.environment(pod))
            assert platform.mongo.get_secret_value() == TEXTS["tenure_mongo"]
            assert (platform.host, platform.port) == ("0.0.0.0", 8080)
            for settings in settings_of(name.removeprefix("tenure-")):
                settings()


def test_every_variable_is_a_setting(chart: Rendered) -> None:
    services = [path.parent.name for path in (ROOT / "services").glob("*/settings.py")]
    settings: list[type[BaseSettings]] = [Platform, *(one for service in services for one in settings_of(service))]
    known = {f"{one.model_config['env_prefix']}{field}".upper() for one in settings for field in one.model_fields}
    assert {variable["name"] for _, container in chart.containers() for variable in container["env"]} <= known


def settings_of(service: str) -> list[type[BaseSettings]]:
    """The service's own; none of those that have none, nor of the job."""
    if not (ROOT / "services" / service / "settings.py").exists():
        return []
    return [importlib.import_module(f"services.{service}.settings").Settings]


def test_connections_are_encrypted_and_authenticated_where_the_values_say_so(
    mounts: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = told(monkeypatch, mounts.environment(pod_of("gateway")))
    assert platform.kafka_security == "sasl-tls"
    assert platform.kafka_password is not None
    assert platform.kafka_password.get_secret_value() == TEXTS["tenure_kafka_password"]
    assert platform.kafka_tls() is not None
    assert platform.mongo_encrypts


def test_a_process_proves_who_it_is_by_its_certificate_where_the_values_say_so(
    mounts: Mounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods = dict(render(arguments(sets=MUTUAL)).pods())
    platform = told(monkeypatch, mounts.environment(pods["tenure-retention"]))
    assert platform.kafka_security == "tls"
    assert None not in (platform.kafka_cert_file, platform.kafka_key_file)


@pytest.mark.parametrize(
    ("service", "variable", "value"),
    [
        ("gateway", "GATEWAY_MAX_BYTES_IN_FLIGHT", "134217728"),  # as a float it would be 1.34217728e+08
        ("delivery", "DELIVERY_ALLOWED_ORIGINS", '["https://crm.example.com"]'),
        ("retention", "TENURE_PARTITIONS", "24"),
    ],
)
def test_a_value_arrives_as_it_was_meant(service: str, variable: str, value: str) -> None:
    assert {"name": variable, "value": value} in pod_of(service)["spec"]["containers"][0]["env"]


def test_what_is_said_of_one_service_counts_more_than_what_is_said_of_all_also_if_it_is_false() -> None:
    pod = pod_of(
        "delivery",
        'settings={"DELIVERY_SECURE_COOKIE": true, "TENURE_TICK_S": 60}',
        'services={"delivery": {"settings": {"DELIVERY_SECURE_COOKIE": false, "TENURE_TICK_S": 0}}}',
    )
    env = pod["spec"]["containers"][0]["env"]
    assert {"name": "DELIVERY_SECURE_COOKIE", "value": "false"} in env
    assert {"name": "TENURE_TICK_S", "value": "0"} in env


def pod_of(service: str, *sets: str) -> Document:
    """In production."""
    return dict(render(arguments([PRODUCTION], sets)).pods())[f"tenure-{service}"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ('settings={"TENURE_PARTITIONS": 1}', "services.acquisition.replicas is 2 and there are 1 partitions"),
        ('autoscaling={"by": "lag", "maxReplicas": 13}', "autoscaling.maxReplicas is 13 and there are 12 partitions"),
        ('autoscaling={"by": "cpu", "maxReplicas": 1}', "replicas is 2 and autoscaling.maxReplicas is 1"),
        ('settings={"TENURE_KAFKA_SECURITY": "sasl-tls"}', "secrets.TENURE_KAFKA_USERNAME is needed"),
        ('ingress={"enabled": true}', "ingress.hosts: at least one is needed"),
        ('ingress={"enabled": true, "hosts": {"gateway": "a", "delivery": "a"}}', "each door needs a host of its own"),
        ('settings={"TENURE_PARTITON": 12}', "TENURE_PARTITON"),
        ('secrets={"TENURE_MONGO": "mongodb://tenure:secret@mongo"}', "TENURE_MONGO"),
    ],
)
def test_what_cannot_work_is_refused_with_its_name(values: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        render(arguments(sets=[values]))


@pytest.mark.parametrize("release", ["tenure", "customers-eu", "a" * 53])
def test_names_are_short_enough_for_what_they_name(release: str) -> None:
    names = [document["metadata"]["name"] for document in render(release=release).documents]
    assert [name for name in names if len(name) > 63] == []


def test_two_releases_share_no_name_and_no_pod() -> None:
    one, other = render(release="tenure"), render(release="candidate")
    assert {_of(d) for d in one.documents} & {_of(d) for d in other.documents} == set()
    selectors = [d["spec"]["selector"] for d in one.of("Deployment")]
    assert [selector for selector in selectors if other.selected(selector)] == []


def _of(document: Any) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]

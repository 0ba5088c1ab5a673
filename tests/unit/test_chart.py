"""The values of the chart, as far as they can be judged without helm: are they complete, of this code, and checked?"""

import copy
import importlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from pydantic_settings import BaseSettings

from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.settings import Platform
from shared.topics import READERS

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SHIPPED = sorted((CHART / "ci").glob("*.yaml"))
SERVICES = {path.parent.name for path in (ROOT / "services").glob("*/__main__.py")}
OF_THE_CHART = {"TENURE_PORT", "TENURE_SECRETS_DIR"}  # it says these itself
A_SECRET = {"secret": "tenure", "key": "url"}


def settings_of(service: str) -> list[type[BaseSettings]]:
    if not (ROOT / "services" / service / "settings.py").exists():
        return []
    return [importlib.import_module(f"services.{service}.settings").Settings]


SETTINGS: list[type[BaseSettings]] = [Platform, *(found for service in SERVICES for found in settings_of(service))]
KNOWN = {f"{one.model_config['env_prefix']}{field}".upper() for one in SETTINGS for field in one.model_fields}


def with_values(changes: Mapping[str, Any], onto: Mapping[str, Any] = VALUES) -> dict[str, Any]:
    """As helm lays one file of values over another: mappings are merged, everything else is replaced."""
    merged = copy.deepcopy(dict(onto))
    for key, value in changes.items():
        merged[key] = with_values(value, merged.get(key) or {}) if isinstance(value, dict) else value
    return merged


def errors(values: Mapping[str, Any]) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft7Validator(SCHEMA).iter_errors(values)]


def names(kind: str) -> set[str]:
    """Of `templates/_names.tpl`: which services are doors, or readers."""
    found = re.search(rf'define "tenure\.{kind}" -}}}}([a-z ]+)', (CHART / "templates" / "_names.tpl").read_text())
    return set(found[1].split()) if found else set()


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_the_values_of_the_chart_are_right() -> None:
    assert errors(VALUES) == []


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_the_values_that_are_shipped_are_right(file: Path) -> None:
    assert errors(with_values(yaml.safe_load(file.read_text()))) == []


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"settings": {"TENURE_PARTITION": 12}}, "$.settings"),
        ({"settings": {"TENURE_PROFILE": "prod"}}, "$.settings.TENURE_PROFILE"),
        ({"settings": {"TENURE_PARTITIONS": "12"}}, "$.settings.TENURE_PARTITIONS"),
        ({"settings": {"TENURE_KAFKA": "kafka"}}, "$.settings.TENURE_KAFKA"),
        ({"settings": {"TENURE_KAFKA_PASSWORD": "secret"}}, "$.settings"),
        ({"settings": {"TENURE_MONGO": "mongodb://tenure:secret@mongo"}}, "$.settings"),
        ({"secrets": {"TENURE_MONGO": "mongodb://tenure:secret@mongo"}}, "$.secrets.TENURE_MONGO"),
        ({"secrets": {"TENURE_MONGO": {"value": "mongodb://mongo"}}}, "$.secrets.TENURE_MONGO"),
        (
            {"secrets": {"TENURE_KAFKA_PASSWORD": {"configMap": "open", "key": "password"}}},
            "$.secrets.TENURE_KAFKA_PASSWORD",
        ),
        ({"secrets": {"TENURE_KAFKA_CA_FILE": {"key": "ca.crt"}}}, "$.secrets.TENURE_KAFKA_CA_FILE"),
        ({"services": {"billing": {"replicas": 1}}}, "$.services"),
        ({"services": {"gateway": {"replicas": 0}}}, "$.services.gateway.replicas"),
        ({"services": {"gateway": {"resources": {"limits": {"memory": "lots"}}}}}, "$.services.gateway.resources"),
        ({"services": {"gateway": {"settings": {"TENURE_PORT": 9}}}}, "$.services.gateway.settings"),
        ({"autoscaling": {"by": "keda"}}, "$.autoscaling.by"),
        ({"network": {"callers": [{}]}}, "$.network.callers"),
        ({"network": {"dns": []}}, "$.network.dns"),
        ({"network": {"kafka": {"ports": []}}}, "$.network.kafka.ports"),
        ({"ingress": {"hosts": {"analytics": "a.example.com"}}}, "$.ingress.hosts"),
        ({"image": {"digest": "latest"}}, "$.image.digest"),
        ({"pod": {"hostNetwork": True}}, "$.pod"),
        ({"replicas": 3}, "$"),
    ],
    ids=json.dumps,
)
def test_what_is_wrong_is_refused_and_where(wrong: dict[str, Any], at: str) -> None:
    found = errors(with_values(wrong))
    assert found
    assert [error for error in found if not error.startswith(at)] == []


@pytest.mark.parametrize("missing", [("secrets", "TENURE_MONGO"), ("settings", "TENURE_KAFKA")])
def test_without_broker_or_database_nothing_is_installed(missing: tuple[str, str]) -> None:
    values = copy.deepcopy(VALUES)
    del values[missing[0]][missing[1]]
    assert len(errors(values)) == 1


def test_each_service_of_the_tree_is_in_the_chart_and_no_other() -> None:
    assert set(VALUES["services"]) == SERVICES == set(SCHEMA["properties"]["services"]["properties"])


def test_readers_and_doors_are_those_of_the_code() -> None:
    assert names("readers") == {*DOMAIN_SERVICES, *READERS}
    assert names("doors") == set(SCHEMA["properties"]["ingress"]["properties"]["hosts"]["properties"])
    assert names("doors") <= SERVICES


def test_each_setting_can_be_said_in_exactly_one_manner() -> None:
    said, secret = (
        set(SCHEMA["definitions"]["settings"]["properties"]),
        set(SCHEMA["properties"]["secrets"]["properties"]),
    )
    assert KNOWN - OF_THE_CHART == said | secret
    assert said & secret == set()


def test_what_the_code_hides_or_reads_from_a_file_is_never_said_openly() -> None:
    fields = Platform.model_fields.items()
    hidden = {f"TENURE_{name.upper()}" for name, field in fields if "SecretStr" in str(field.annotation)}
    files = {f"TENURE_{name.upper()}" for name in Platform.model_fields if name.endswith("_file")}
    assert hidden | files <= set(SCHEMA["properties"]["secrets"]["properties"])


def test_each_line_of_the_values_is_explained_and_they_are_few() -> None:
    lines = (CHART / "values.yaml").read_text().splitlines()
    assert [line for line in lines if "#" not in line] == []
    assert len(lines) <= 45


def test_no_file_has_a_line_too_wide() -> None:
    texts = {path: path.read_text().splitlines() for path in CHART.rglob("*.*") if path.suffix in (".yaml", ".tpl")}
    assert [(path.name, line) for path, lines in texts.items() for line in lines if len(line) > 120] == []


def test_the_chart_is_of_this_release_and_its_image() -> None:
    release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    dockerfile, pod = (ROOT / "deploy" / "Dockerfile").read_text(), (CHART / "templates" / "_pod.tpl").read_text()
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == release
    assert re.findall(r"^USER (\d+):(\d+)", dockerfile, re.MULTILINE) == [("65532", "65532")]
    assert re.findall(r"(?:runAsUser|runAsGroup|fsGroup): (\d+)", pod) == ["65532"] * 3
    assert 'ENTRYPOINT ["python", "-m"]' in dockerfile

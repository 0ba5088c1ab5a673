"""helm itself, and what it makes of the chart: parsed documents, with their labels and selectors within reach.

helm and the definitions of the kinds that are no part of Kubernetes come as Go modules, pinned here; helm is built
once, into the cache outside the tree. What cannot be had says why in one sentence.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from packaging.version import Version

from deploy.local import apache_kafka

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "chart"
HELM_MODULE, HELM_VERSION = "helm.sh/helm/v3", "v3.22.0"
KEDA_MODULE, KEDA_VERSION = "github.com/kedacore/keda/v2", "v2.18.0"
MINIMAL, PRODUCTION = SHIPPED = [CHART / "ci" / "minimal.yaml", CHART / "ci" / "production.yaml"]
RELEASE = "tenure"
NEWEST_TWO = sorted(set(kubernetes_validate.utils.all_versions()), key=Version)[-2:]
FOR_KUBERNETES = ("--kube-version", NEWEST_TWO[-1])  # a helm that was not released believes in a very old one
FROM_MODULES = {**os.environ, "GOFLAGS": "-mod=mod"}

Document = dict[str, Any]


class Refused(Exception):  # noqa: N818 - it is helm that refuses
    """helm made nothing of the values; the text says why."""


def why_not() -> str | None:
    """None where helm is there or can be built."""
    return None if _helm().exists() else why_no_modules()


def why_no_modules() -> str | None:
    return None if shutil.which("go") else "there is no `go` command, and what is needed comes as a module of Go"


def helm(*arguments: str) -> str:
    """What it prints. Raises Refused."""
    done = subprocess.run([_built(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


def arguments(files: Sequence[Path] = (), sets: Sequence[str] = ()) -> list[str]:
    """Values from files, and from `key=JSON`, that count more than the chart's own; the last ones count most."""
    return [
        *(part for file in files for part in ("--values", str(file))),
        *(part for one in sets for part in ("--set-json", one)),
    ]


def render(values: Sequence[str] = (), release: str = RELEASE) -> "Rendered":
    """What would be installed with these `arguments`. Raises Refused."""
    text = helm("template", release, str(CHART), "--namespace", "customers", *FOR_KUBERNETES, *values)
    return Rendered([document for document in yaml.safe_load_all(text) if document])


@dataclass(frozen=True, slots=True)
class Rendered:
    """The documents, in helm's order."""

    documents: Sequence[Document]

    def of(self, kind: str) -> list[Document]:
        return [document for document in self.documents if document["kind"] == kind]

    def pods(self) -> Iterator[tuple[str, Document]]:
        """Name of what makes it, and labels and spec of the pod."""
        for document in (*self.of("Deployment"), *self.of("Job")):
            yield document["metadata"]["name"], document["spec"]["template"]

    def containers(self) -> Iterator[tuple[str, Document]]:
        for name, pod in self.pods():
            for container in pod["spec"]["containers"]:
                yield name, container

    def selected(self, selector: Document) -> set[str]:
        """Names of what makes the pods that this label selector finds; an empty one finds all."""
        return {name for name, pod in self.pods() if _matches(selector, pod["metadata"]["labels"])}


def _matches(selector: Document, labels: dict[str, str]) -> bool:
    wanted: dict[str, bool] = {"In": True, "NotIn": False}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        (labels.get(rule["key"]) in rule["values"]) is wanted[rule["operator"]]
        for rule in selector.get("matchExpressions", ())
    )


def keda_schemas() -> dict[str, Document]:
    """Kind -> the schema that its own definition gives the API server; fields that it does not know are errors."""
    files = (_keda() / "config" / "crd" / "bases").glob("keda.sh_*.yaml")
    definitions = [yaml.safe_load(file.read_text()) for file in files]
    return {
        definition["spec"]["names"]["kind"]: _closed(version["schema"]["openAPIV3Schema"])
        for definition in definitions
        for version in definition["spec"]["versions"]
    }


def keda_words() -> set[str]:
    """Every word that KEDA's scaler for Kafka knows. What it is told is free text in the definitions."""
    return set(re.findall(r'"(\w+)"', (_keda() / "pkg" / "scalers" / "kafka_scaler.go").read_text()))


def _keda() -> Path:
    command = ["go", "mod", "download", "-json", f"{KEDA_MODULE}@{KEDA_VERSION}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=FROM_MODULES, cwd="/").stdout
    return Path(json.loads(said)["Dir"])


def _closed(schema: Any) -> Any:
    """The API server drops what is not among the properties; a mistyped name is better an error."""
    if not isinstance(schema, dict):
        return [_closed(item) for item in schema] if isinstance(schema, list) else schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(closed.get("properties"), dict) and not closed.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed


def _helm() -> Path:
    """In a folder of its version, beside Apache Kafka's."""
    return apache_kafka.jar_folder().parent / f"helm-{HELM_VERSION}" / "helm"


def _built() -> Path:
    helm = _helm()
    if not helm.exists():
        command = ["go", "install", f"{HELM_MODULE}/cmd/helm@{HELM_VERSION}"]
        subprocess.run(command, check=True, cwd="/", env={**FROM_MODULES, "GOBIN": str(helm.parent)})
    return helm

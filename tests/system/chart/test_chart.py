"""What helm makes of the chart: would Kubernetes take it, and does it fit together?"""

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator

from shared.door import OWN_PATHS
from shared.runtime import GRACE_S
from tests.system.chart import helm
from tests.system.chart.helm import (
    CHART,
    FOR_KUBERNETES,
    NEWEST_TWO,
    PRODUCTION,
    RELEASE,
    ROOT,
    SHIPPED,
    Document,
    Rendered,
    arguments,
    render,
)

pytestmark = pytest.mark.long

HPA = "HorizontalPodAutoscaler"
KEDA = {"ScaledObject", "TriggerAuthentication"}
SECOND_ANALYTICS = 'services={"analytics": {"settings": {"ANALYTICS_NAME": "analytics-2"}}}'
ELSEWHERE = {*KEDA, "PodMonitor"}  # kinds that are no part of Kubernetes


def test_each_file_of_values_that_is_shipped_is_tried() -> None:
    assert sorted((CHART / "ci").iterdir()) == SHIPPED


def test_helm_has_nothing_against_it(values: list[str]) -> None:
    assert "0 chart(s) failed" in helm.helm("lint", "--strict", str(CHART), *FOR_KUBERNETES, *values)


@pytest.mark.parametrize("version", NEWEST_TWO)
def test_each_document_is_what_kubernetes_takes(chart: Rendered, version: str) -> None:
    ours = [document for document in chart.documents if document["kind"] not in ELSEWHERE]
    found = {kubernetes_validate.validate(document, version, strict=True) for document in ours}
    assert {kubernetes_validate.utils.major_minor(version)} == found


@pytest.mark.parametrize("version", NEWEST_TWO)
def test_a_field_that_kubernetes_does_not_know_would_be_found(version: str) -> None:
    deployment = render().of("Deployment")[0]
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(deployment, version, strict=True)


def test_what_is_for_keda_is_what_its_own_definitions_take() -> None:
    if reason := helm.why_no_modules():
        pytest.skip(f"nothing is held against KEDA's definitions: {reason}")
    schemas, production = helm.keda_schemas(), render(arguments([PRODUCTION]))
    assert {kind for kind in KEDA if production.of(kind)} == KEDA
    documents = [document for kind in KEDA for document in production.of(kind)]
    assert [error for d in documents for error in errors(d, schemas[d["kind"]])] == []


def test_the_scaler_of_keda_knows_every_word_that_it_is_told() -> None:
    if reason := helm.why_no_modules():
        pytest.skip(f"KEDA is not asked: {reason}")
    production = render(arguments([PRODUCTION]))
    triggers = [trigger for document in production.of("ScaledObject") for trigger in document["spec"]["triggers"]]
    (credentials,) = production.of("TriggerAuthentication")
    told = {word for trigger in triggers for word in trigger["metadata"]}
    told |= {one["parameter"] for references in credentials["spec"].values() for one in references}
    assert told - helm.keda_words() == set()
    assert {"lagThreshold", "username", "password", "ca", "sasl", "tls"} <= told


def errors(document: Document, schema: Document) -> list[str]:
    """Of what the document says itself; its metadata are common to all kinds."""
    said = {"spec": document["spec"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(said)]


def test_each_service_is_deployed_once_from_one_image(chart: Rendered) -> None:
    modules = [container["args"] for _, container in chart.containers()]
    assert len({container["image"] for _, container in chart.containers()}) == 1
    assert len(modules) == len({tuple(args) for args in modules})
    for (module,) in modules:
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


def test_each_deployed_process_is_asked_whether_it_lives_and_is_ready(chart: Rendered) -> None:
    for document in chart.of("Deployment"):
        (container,) = document["spec"]["template"]["spec"]["containers"]
        probes = [container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
        assert [probe["path"] for probe in probes] == ["/livez", "/livez", "/readyz"]
        assert {probe["path"] for probe in probes} <= OWN_PATHS
        assert {probe["port"] for probe in probes} == {"http"} == {port["name"] for port in container["ports"]}


def test_each_container_is_limited_and_may_do_nothing_but_work(chart: Rendered) -> None:
    for _, container in chart.containers():
        assert {"cpu", "memory"} == set(container["resources"]["requests"]) == set(container["resources"]["limits"])
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
    for _, pod in chart.pods():
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["enableServiceLinks"] is False
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_what_is_mounted_is_there_and_what_is_there_is_mounted(chart: Rendered) -> None:
    for _, pod in chart.pods():
        (container,) = pod["spec"]["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == {v["name"] for v in pod["spec"]["volumes"]}


def test_no_secret_is_made_and_no_value_of_one_is_shown(chart: Rendered) -> None:
    assert chart.of("Secret") == chart.of("ConfigMap") == []
    shown = {variable["name"] for _, container in chart.containers() for variable in container["env"]}
    hidden = {"TENURE_MONGO", *(name for name in shown if name.endswith(("_PASSWORD", "_USERNAME")))}
    assert shown & hidden == set()


def test_a_process_has_the_time_it_takes_to_stop(chart: Rendered) -> None:
    for document in chart.of("Deployment"):
        spec = document["spec"]["template"]["spec"]
        pause = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pause + GRACE_S < spec["terminationGracePeriodSeconds"] == 30


def test_a_reader_is_never_replaced_by_one_more_than_there_may_be(chart: Rendered) -> None:
    strategies = {d["metadata"]["name"]: d["spec"]["strategy"]["rollingUpdate"] for d in chart.of("Deployment")}
    alone = {f"{RELEASE}-gateway", f"{RELEASE}-delivery"}
    assert {name for name, strategy in strategies.items() if strategy["maxSurge"]} == alone & strategies.keys()
    assert all(strategy["maxSurge"] + strategy["maxUnavailable"] == 1 for strategy in strategies.values())


def test_each_selector_finds_exactly_its_own(chart: Rendered) -> None:
    for document in (*chart.of("Deployment"), *chart.of("PodDisruptionBudget")):
        assert chart.selected(document["spec"]["selector"]) == {document["metadata"]["name"]}
    for document in chart.of("Service"):
        assert chart.selected({"matchLabels": document["spec"]["selector"]}) == {document["metadata"]["name"]}
    for document in chart.of("Deployment"):
        for spread in document["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert chart.selected(spread["labelSelector"]) == {document["metadata"]["name"]}


def test_prometheus_asks_every_process_at_the_path_that_answers(chart: Rendered) -> None:
    for document in chart.of("PodMonitor"):
        assert chart.selected(document["spec"]["selector"]) == {d["metadata"]["name"] for d in chart.of("Deployment")}
        (endpoint,) = document["spec"]["podMetricsEndpoints"]
        assert (endpoint["port"], endpoint["path"]) == ("http", "/metrics")
        assert endpoint["path"] in OWN_PATHS


def test_each_door_has_a_service_and_each_way_in_leads_to_one(chart: Rendered) -> None:
    doors = {document["metadata"]["name"] for document in chart.of("Service")}
    for document in chart.of("Ingress"):
        (rule,) = document["spec"]["rules"]
        assert {path["backend"]["service"]["name"] for path in rule["http"]["paths"]} <= doors
        assert OWN_PATHS & {path["path"] for path in rule["http"]["paths"]} == set()
    deployed = {name for name, _ in chart.pods()}
    assert doors == {f"{RELEASE}-{door}" for door in ("gateway", "projection", "delivery")} & deployed


def test_a_drain_leaves_at_least_one_of_each_and_is_never_held_up_for_ever(chart: Rendered) -> None:
    least = _least_replicas(chart)
    for document in chart.of("PodDisruptionBudget"):
        assert least[document["metadata"]["name"]] - document["spec"]["maxUnavailable"] >= 1
    assert {d["metadata"]["name"] for d in chart.of("PodDisruptionBudget")} == {n for n, r in least.items() if r > 1}


def test_what_is_scaled_has_one_that_scales_it_and_says_no_number_itself(chart: Rendered) -> None:
    scaled = [d["spec"]["scaleTargetRef"]["name"] for kind in (HPA, "ScaledObject") for d in chart.of(kind)]
    unsaid = [d["metadata"]["name"] for d in chart.of("Deployment") if "replicas" not in d["spec"]]
    assert sorted(scaled) == sorted(unsaid)


def test_there_are_never_more_readers_than_partitions() -> None:
    for document in render(arguments([PRODUCTION])).of("ScaledObject"):
        assert 1 <= document["spec"]["minReplicaCount"] <= document["spec"]["maxReplicaCount"] <= 24


def test_lag_is_that_of_the_group_that_the_service_reads_in() -> None:
    renamed = render(arguments([PRODUCTION], [SECOND_ANALYTICS]))
    groups = {
        d["metadata"]["name"]: d["spec"]["triggers"][0]["metadata"]["consumerGroup"] for d in renamed.of("ScaledObject")
    }
    assert groups == {
        "tenure-acquisition": "acquisition", "tenure-interaction": "interaction", "tenure-retention": "retention",
        "tenure-projection": "projection", "tenure-analytics": "analytics-2",
    }  # fmt: skip


def _least_replicas(chart: Rendered) -> dict[str, int]:
    said = {d["metadata"]["name"]: d["spec"]["replicas"] for d in chart.of("Deployment") if "replicas" in d["spec"]}
    by_cpu = {d["metadata"]["name"]: d["spec"]["minReplicas"] for d in chart.of(HPA)}
    by_lag = {d["metadata"]["name"]: d["spec"]["minReplicaCount"] for d in chart.of("ScaledObject")}
    return {**said, **by_cpu, **by_lag}

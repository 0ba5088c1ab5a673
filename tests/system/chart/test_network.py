"""The chart's NetworkPolicies: whom may a pod call, and who may call it? What no policy allows is denied."""

import pytest

from tests.system.chart.helm import MINIMAL, RELEASE, Document, Rendered, arguments, render

pytestmark = pytest.mark.long

NOBODY = 'network={"callers": [], "monitoring": []}'
DOORS = {f"{RELEASE}-{door}" for door in ("gateway", "projection", "delivery")}


@pytest.fixture(scope="module")
def policies() -> Rendered:
    return render()


def those_for(chart: Rendered, pod: str, way: str) -> list[Document]:
    """Policies that govern this way (`Ingress`, `Egress`) of a pod."""
    return [
        policy
        for policy in chart.of("NetworkPolicy")
        if pod in chart.selected(policy["spec"]["podSelector"]) and way in policy["spec"]["policyTypes"]
    ]


def test_each_pod_is_governed_in_both_ways(policies: Rendered) -> None:
    for name, _ in policies.pods():
        assert those_for(policies, name, "Ingress")
        assert those_for(policies, name, "Egress")


def test_a_pod_calls_the_name_server_the_brokers_and_the_database_and_nobody_else(policies: Rendered) -> None:
    for name, _ in policies.pods():
        rules = [rule for policy in those_for(policies, name, "Egress") for rule in policy["spec"]["egress"]]
        assert {port["port"] for rule in rules for port in rule["ports"]} == {53, 9092, 27017}
        assert all("to" in rule for rule in rules if {port["port"] for port in rule["ports"]} == {53})


def test_only_doors_are_called_by_others_than_monitoring(policies: Rendered) -> None:
    callers = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
    called = {
        name
        for name, _ in policies.pods()
        for policy in those_for(policies, name, "Ingress")
        for rule in policy["spec"].get("ingress", ())
        if callers in rule["from"]
    }
    assert called == DOORS


def test_what_may_be_called_is_the_one_port_that_there_is(policies: Rendered) -> None:
    rules = [rule for policy in policies.of("NetworkPolicy") for rule in policy["spec"].get("ingress", ())]
    assert {port["port"] for rule in rules for port in rule["ports"]} == {"http"}
    assert all(rule["from"] for rule in rules)  # an empty list would be everybody


def test_without_callers_nobody_may_call() -> None:
    closed = render(arguments(sets=[NOBODY]))
    assert [policy for policy in closed.of("NetworkPolicy") if policy["spec"].get("ingress")] == []


def test_the_job_of_topics_may_call_before_anything_else_is_installed(policies: Rendered) -> None:
    hooks = {d["kind"]: d["metadata"]["annotations"] for d in policies.documents if "annotations" in d["metadata"]}
    assert set(hooks) == {"Job", "NetworkPolicy"}
    assert {hook["helm.sh/hook"] for hook in hooks.values()} == {"pre-install,pre-upgrade"}
    assert int(hooks["NetworkPolicy"]["helm.sh/hook-weight"]) < int(hooks["Job"].get("helm.sh/hook-weight", 0))


def test_nobody_is_governed_where_that_is_not_wanted() -> None:
    assert render(arguments([MINIMAL], ['network={"policies": false}'])).of("NetworkPolicy") == []

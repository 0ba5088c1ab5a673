"""Which changes of a type, a topic or a route break what was released, and is that said in a sentence that helps?"""

from collections.abc import Callable
from typing import Any

import pytest

from cli.language.changes import findings, next_version

Schema = dict[str, Any]
STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def an_object(required: tuple[str, ...] = (), **properties: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def a_bundle() -> dict[str, Any]:
    answer = {"200": {"content": {"application/json": {"schema": an_object(("a",), a=STRING)}}, "headers": {"X": {}}}}
    parameter = {"in": "query", "name": "limit", "schema": INTEGER}
    operation = {
        "operationId": "read", "security": [{"key": []}], "parameters": [parameter], "responses": answer,
        "requestBody": {"content": {"application/json": {"schema": an_object(a=STRING)}}},
    }  # fmt: skip
    return {
        "types": {
            "tenure.said.v1": {"taken": True, "schema": an_object(a=STRING)},
            "tenure.heard.v1": {"taken": False, "schema": an_object(("a",), a=STRING)},
        },
        "topics": {
            "inbox": {"taken": True, "keyed": True, "kept": {}, "types": ["tenure.said.v1"]},
            "log": {"taken": False, "keyed": True, "kept": {}, "types": ["tenure.heard.v1"]},
        },
        "http": {"door": {"paths": {"/v1/x": {"get": operation}}, "components": {}}},
    }


def operation_of(bundle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bundle["http"]["door"]["paths"]["/v1/x"]["get"]
    return found


def type_of(bundle: dict[str, Any], type_: str) -> Schema:
    found: Schema = bundle["types"][type_]["schema"]
    return found


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a type removed": (lambda b: b["types"].pop("tenure.said.v1"), "tenure.said.v1: is gone"),
    "a type turned round": (lambda b: b["types"]["tenure.said.v1"].update(taken=False), "tenure.said.v1: is said by"),
    "a field required": (
        lambda b: type_of(b, "tenure.said.v1").update(required=["a"]), "tenure.said.v1 a: is required now",
    ),
    "a field no longer said": (
        lambda b: type_of(b, "tenure.heard.v1").update(required=[]), "tenure.heard.v1 a: is not always there",
    ),
    "a topic removed": (lambda b: b["topics"].pop("log"), "log: is gone"),
    "another key": (lambda b: b["topics"]["log"].update(keyed=False), "log keyed: its key was True"),
    "kept for less long": (lambda b: b["topics"]["log"].update(kept={"retention.ms": "1"}), "log kept: how it is kept"),
    "a type off its topic": (lambda b: b["topics"]["log"].update(types=[]), "log tenure.heard.v1: does not stand"),
    "a service removed": (lambda b: b["http"].pop("door"), "door GET /v1/x: is gone"),
    "a route removed": (lambda b: b["http"]["door"]["paths"].pop("/v1/x"), "door GET /v1/x: is gone"),
    "another operation id": (lambda b: operation_of(b).update(operationId="y"), "door GET /v1/x operationId: was read"),
    "another key asked for": (
        lambda b: operation_of(b).update(security=[{"other": []}]), "door GET /v1/x security: key as before",
    ),
    "a parameter removed": (lambda b: operation_of(b).update(parameters=[]), "door GET /v1/x query.limit: is gone"),
    "a parameter required": (
        lambda b: operation_of(b)["parameters"][0].update(required=True), "door GET /v1/x query.limit: is required now",
    ),
    "a required parameter added": (
        lambda b: operation_of(b)["parameters"].append({"in": "query", "name": "z", "required": True}),
        "door GET /v1/x query.z: is new and required",
    ),
    "a parameter narrowed": (
        lambda b: operation_of(b)["parameters"][0].update(schema=INTEGER | {"maximum": 9}),
        "door GET /v1/x query.limit: `maximum` was not limited",
    ),
    "a body required": (lambda b: operation_of(b)["requestBody"].update(required=True), "door GET /v1/x body: is req"),
    "a media type removed": (
        lambda b: operation_of(b)["requestBody"].update(content={}), "door GET /v1/x body application/json: is gone",
    ),
    "a field of a body required": (
        lambda b: operation_of(b)["requestBody"]["content"]["application/json"]["schema"].update(required=["a"]),
        "door GET /v1/x body.a: is required now",
    ),
    "an answer removed": (lambda b: operation_of(b)["responses"].clear(), "door GET /v1/x 200: is not answered"),
    "a header removed": (
        lambda b: operation_of(b)["responses"]["200"].pop("headers"), "door GET /v1/x 200 X: is gone",
    ),
    "a field of an answer removed": (
        lambda b: operation_of(b)["responses"]["200"]["content"]["application/json"].update(schema=an_object()),
        "door GET /v1/x 200.a: is",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_promise_that_is_broken_is_found_and_named(change: str) -> None:
    make, said = CHANGES[change]
    old, new = a_bundle(), a_bundle()
    make(new)
    found = [str(finding) for finding in findings(old, new)]
    assert found
    assert all(sentence.startswith(said) for sentence in found), found


def test_what_is_new_breaks_nothing() -> None:
    old, new = a_bundle(), a_bundle()
    new["types"]["tenure.more.v1"] = {"taken": True, "schema": an_object(("a",), a=STRING)}
    new["topics"]["more"] = {"taken": True, "keyed": True, "kept": {}, "types": ["tenure.more.v1"]}
    new["topics"]["inbox"]["types"].append("tenure.more.v1")
    new["http"]["door"]["paths"]["/v1/y"] = {"get": operation_of(old)}
    operation_of(new)["parameters"].append({"in": "query", "name": "z", "schema": STRING})
    operation_of(new)["responses"]["404"] = {}
    operation_of(new)["security"].append({"other": []})
    assert [] == findings(old, new)


def test_a_published_type_may_give_way_to_its_next_version_and_one_that_is_taken_may_not() -> None:
    old, new = a_bundle(), a_bundle()
    for topic, type_ in (("inbox", "tenure.said.v1"), ("log", "tenure.heard.v1")):
        new["types"][next_version(type_)] = new["types"].pop(type_)
        new["topics"][topic]["types"] = [next_version(type_)]
    assert ["tenure.said.v1", "inbox tenure.said.v1"] == [finding.key for finding in findings(old, new)]


def test_what_to_do_instead_is_said() -> None:
    old, new = a_bundle(), a_bundle()
    type_of(new, "tenure.said.v1")["required"] = ["a"]
    (finding,) = findings(old, new)
    assert (
        "tenure.said.v1 a: is required now. Channels that send it as before would be refused: take it back, or make it "
        "tenure.said.v2 beside this one."
    ) == str(finding)


def test_versions_are_counted_where_they_stand() -> None:
    assert ["tenure.a-v1.v10", "/v2/events:x", "log"] == [*map(next_version, ("tenure.a-v1.v9", "/v1/events:x", "log"))]

"""The documents in docs/contracts/: those that the models give, whole in themselves, and kept to what was released."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.language.asyncapi import document as asyncapi_document
from cli.language.bundle import bundle, last_released, text_of, without_texts
from cli.language.documents import (
    FOLDER,
    RELEASED,
    WITHDRAWN,
    AlreadyReleased,
    broken,
    release,
    texts,
    version,
    withdrawn,
    write,
)
from shared.contracts.generate import TYPES
from shared.topics import TOPICS

TEXTS = texts()
ASYNCAPI = asyncapi_document("1.2.3")


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        yield from (ref for value in node.values() for ref in refs(value))
    elif isinstance(node, list):
        yield from (ref for item in node for ref in refs(item))


def pointed(document: Any, pointer: str) -> Any:
    for step in pointer.removeprefix("/").split("/"):
        document = document[step]
    return document


@pytest.mark.parametrize("name", TEXTS)
def test_the_committed_document_is_that_of_the_models(name: str) -> None:
    assert TEXTS[name] == (FOLDER / name).read_text(encoding="utf-8"), "run `make contracts`"


def test_no_document_is_kept_that_nothing_stands_behind() -> None:
    assert {*TEXTS, WITHDRAWN, RELEASED} == {path.name for path in FOLDER.iterdir()}


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".json")])
def test_every_reference_leads_somewhere(name: str) -> None:
    document = json.loads(TEXTS[name])
    for ref in refs(document):
        file, _, pointer = ref.partition("#")
        target = json.loads(TEXTS[file.removeprefix("./")]) if file else document
        assert pointed(target, pointer) if pointer else target["$id"]


def test_every_topic_is_a_channel_with_one_operation() -> None:
    names = [topic.name for topic in TOPICS]
    assert names == list(ASYNCAPI["channels"])
    assert [f"#/channels/{name}" for name in names] == [o["channel"]["$ref"] for o in ASYNCAPI["operations"].values()]


def test_every_type_stands_on_a_channel() -> None:
    on_channels = {name for channel in ASYNCAPI["channels"].values() for name in channel["messages"]}
    assert {*TYPES, "dead-letter"} == on_channels == set(ASYNCAPI["components"]["messages"])


def test_every_event_of_a_customer_has_the_customer_as_its_key() -> None:
    messages = ASYNCAPI["components"]["messages"]
    keyed = {name for name, message in messages.items() if "key" in message["bindings"]["kafka"]}
    assert set(messages) - {"tenure.tick.v1"} == keyed


def test_what_channels_may_write_is_received_and_all_else_is_sent() -> None:
    actions = {operation["channel"]["$ref"].partition("channels/")[2]: operation["action"]
               for operation in ASYNCAPI["operations"].values()}  # fmt: skip
    assert {"receive"} == {action for topic, action in actions.items() if topic.endswith(".inbox")}
    assert {"send"} == {action for topic, action in actions.items() if not topic.endswith(".inbox")}


def test_nothing_that_was_released_is_broken_but_what_was_withdrawn_with_a_reason() -> None:
    found = broken()
    unsaid = [str(finding) for finding in found if finding.key not in withdrawn()]
    assert not unsaid, "\n".join(("These were promised and are not kept:", *unsaid))
    assert withdrawn().keys() <= {finding.key for finding in found}, "what is not broken need not be withdrawn"
    assert all(reason.strip() for reason in withdrawn().values())


def test_something_was_released() -> None:
    assert last_released(FOLDER / RELEASED) is not None


def test_writing_removes_what_nothing_stands_behind_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "tenure.gone.v1.json").write_text("{}")
    (tmp_path / WITHDRAWN).write_text('{"a": "b"}')
    (tmp_path / RELEASED).mkdir()
    write(tmp_path)
    assert {*TEXTS, WITHDRAWN, RELEASED} == {path.name for path in tmp_path.iterdir()}
    assert {"a": "b"} == withdrawn(tmp_path)


def test_a_release_is_written_once_and_promises_all_there_is(tmp_path: Path) -> None:
    path = release(tmp_path)
    assert {} == withdrawn(tmp_path)
    assert bundle(version()) == json.loads(path.read_text(encoding="utf-8")) == last_released(tmp_path / RELEASED)
    assert [] == broken(tmp_path)
    with pytest.raises(AlreadyReleased):
        release(tmp_path)


def test_the_last_release_is_the_highest_and_not_the_last_by_name(tmp_path: Path) -> None:
    for version_ in ("0.9.0", "0.10.0", "0.2.0"):
        (tmp_path / f"{version_}.json").write_text(json.dumps({"release": version_}))
    assert {"release": "0.10.0"} == last_released(tmp_path)


def test_a_bundle_has_a_line_for_each_type_topic_and_route() -> None:
    lines = text_of(bundle("1.0.0")).splitlines()
    for name in ("tenure.purchase.v1", "attrition.alerts", "/v1/events"):
        assert 1 == sum(line.lstrip().startswith(f'"{name}"') for line in lines), name


def test_words_may_change_and_names_that_look_like_words_stay() -> None:
    said = {"title": "x", "properties": {"title": {"type": "string", "description": "x"}}, "example": 1}
    assert {"properties": {"title": {"type": "string"}}} == without_texts(said)

"""What `tenure contracts` says of events, without a server."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.errors import UNASKED, CliError
from cli.language.checking import Checked, Checker
from cli.main import app
from services.gateway.examination import Refused, Terms, examine
from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.generate import TYPES, example, schema
from shared.contracts.values import EPOCH
from shared.intake import AHEAD, BEHIND
from shared.keys import ANY_SOURCE, ApiKey, Scope

NOW = datetime(2026, 3, 15, tzinfo=UTC)
RIGHT = example("tenure.purchase.v1")
NEUTRAL = {"id": "n-1", "customer_id": "c-1", "type": "purchase", "time": "2026-01-02T00:00:00Z", "source": "shop",
           "amount": "1.00", "currency": "EUR"}  # fmt: skip
WRONG: dict[str, dict[str, Any]] = {
    "invalid-envelope": {"subject": "c "},
    "unknown-type": {"type": "tenure.nothing.v1"},
    "invalid-data": {"data": {"amount_minor": -1, "currency": "EUR"}},
    "source-reserved": {"source": "clock"},
}


def checked(*lines: bytes, **terms: Any) -> list[Checked]:
    return list(Checker(**terms).check(lines))


def codes(*lines: bytes, **terms: Any) -> list[str | None]:
    return [found.code for found in checked(*lines, **terms)]


def raw(**changes: Any) -> bytes:
    return json.dumps({**RIGHT, **changes}).encode() + b"\n"


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, ["contracts", *arguments], input=given)


def failure(result: Result) -> CliError:
    """What the command ended with."""
    assert isinstance(result.exception, CliError)
    return result.exception


@pytest.mark.parametrize("type_", INPUT_TYPES)
def test_an_example_is_right(type_: str) -> None:
    assert [None] == codes(json.dumps(example(type_)).encode())


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_is_said_in_the_words_of_the_gateway(code: str) -> None:
    key = ApiKey("k", "", "k", frozenset({Scope.SEND}), frozenset({ANY_SOURCE}), EPOCH)
    at_the_door = examine(raw(**WRONG[code]).strip(), key, Terms(None, AHEAD, BEHIND, 1, ""))
    (found,) = checked(raw(**WRONG[code]))
    assert isinstance(at_the_door, Refused)
    assert (code, at_the_door.detail, at_the_door.problems) == (found.code, found.detail, found.problems)


def test_each_line_is_judged_alone_and_named_by_its_number() -> None:
    found = checked(raw(id="a"), b"\n", b"{nonsense\n", raw(id="b"))
    assert [(1, None), (3, "not-json"), (4, None)] == [(one.number, one.code) for one in found]


def test_an_array_and_one_event_over_many_lines_are_read_too() -> None:
    array = json.dumps([RIGHT, {**RIGHT, "id": "b", "subject": ""}], indent=1).encode().splitlines(keepends=True)
    one = json.dumps(RIGHT, indent=1).encode().splitlines(keepends=True)
    assert ([None, "invalid-envelope"], [None]) == (codes(*array), codes(*one))


def test_an_array_that_does_not_end_is_said_to_be_none() -> None:
    assert ["not-json"] == codes(b"[" + raw())


def test_an_id_that_is_used_twice_is_wrong_only_if_it_says_something_else() -> None:
    other = raw(data={"amount_minor": 1, "currency": "EUR"})
    assert [None, None, "id-used-again"] == codes(raw(), raw(), other)
    assert [None, None] == codes(raw(), raw(subject="another customer"))


def test_times_and_sources_are_asked_for_only_where_it_is_wanted() -> None:
    late = raw(time="2026-01-01T00:00:00Z", data={"amount_minor": 1, "currency": "EUR"})
    assert [None] == codes(late)
    assert ["too-old"] == codes(late, now=NOW)
    assert [None, "source-not-yours"] == codes(raw(), raw(source="other", id="x"), source=RIGHT["source"])


def test_lines_in_the_neutral_format_are_checked_as_they_would_be_sent() -> None:
    lines = [json.dumps({**NEUTRAL, **changes}).encode() for changes in ({}, {"amount": "1.001"}, {"time": "x"})]
    assert [None, "no-event", "invalid-envelope"] == codes(*lines)


def test_the_command_answers_with_its_exit_code(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.jsonl.gz", tmp_path / "wrong.jsonl"
    right.write_bytes(gzip.compress(raw()))
    wrong.write_bytes(raw(subject=""))
    answers = [run("check", str(file)) for file in (right, wrong)]
    assert [0, 1] == [answer.exit_code for answer in answers]
    assert "1 (e-8): ok\n" == answers[0].stdout
    assert answers[1].stdout.startswith("1 (e-8): invalid-envelope: subject: ")


def test_a_file_without_an_event_was_not_checked() -> None:
    assert UNASKED == failure(run("check", "-", given="\n")).exit_code


def test_programs_get_a_line_of_json_for_each_event() -> None:
    answer = run("check", "-", "--json", given=(raw() + raw(id="b", subject="")).decode())
    right, wrong = map(json.loads, answer.stdout.splitlines())
    assert {"number": 1, "id": "e-8", "ok": True} == right
    assert (False, "invalid-envelope", "subject") == (wrong["ok"], wrong["code"], wrong["problems"][0]["path"])


def test_quiet_says_only_what_is_wrong() -> None:
    assert "" == run("check", "-", "--quiet", given=raw().decode()).stdout


def test_a_type_is_shown_as_a_schema_or_an_example_that_is_right() -> None:
    shown, event = run("show", "tenure.purchase.v1"), run("show", "tenure.purchase.v1", "--example")
    assert (schema("tenure.purchase.v1"), RIGHT) == (json.loads(shown.stdout), json.loads(event.stdout))
    assert 0 == run("check", "-", given=event.stdout).exit_code


def test_without_a_type_all_are_listed_and_one_that_is_none_is_said_to_be() -> None:
    assert all(type_ in run("show").stdout for type_ in TYPES)
    assert UNASKED == failure(run("show", "tenure.nothing.v1")).exit_code

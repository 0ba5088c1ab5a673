"""A dead letter is always readable, however damaged what it holds."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.dead_letters import customer_of, letter_of
from tests.unit.cli_records import record

REASON = {"code": "invalid-data", "problems": [{"path": "data.amount_minor", "reason": "expected an integer"}]}
HEADERS = (
    ("reason", json.dumps(REASON).encode()),
    ("topic", b"retention.inbox"),
    ("partition", b"3"),
    ("offset", b"41"),
    ("key", b"c-1"),
)


def test_a_letter_says_where_it_stood_and_what_was_wrong() -> None:
    letter = letter_of(record(b"{}", headers=HEADERS))
    assert ("retention", "retention.inbox", 3, 41) == (letter.service, letter.topic, letter.partition, letter.offset)
    assert ("invalid-data", "data.amount_minor: expected an integer") == (letter.code, letter.reason)
    assert "2026-03-01T10:00:00Z" == letter.to_json()["time"]


@pytest.mark.parametrize(
    ("key", "value", "customer"),
    [(b"c-1", b"broken", "c-1"), (None, b'{"subject": "c-2"}', "c-2"), (None, b"broken", None), (None, b"[]", None)],
)
def test_the_customer_is_named_where_it_can_be_known(key: bytes | None, value: bytes, customer: str | None) -> None:
    assert customer == customer_of(letter_of(record(value, key=key)))


def test_bytes_that_are_no_text_come_as_base64() -> None:
    shown = letter_of(record(b"\xff\x00", headers=HEADERS)).to_json()
    assert b"\xff\x00" == base64.b64decode(shown["value_base64"])
    assert "value" not in shown


@given(
    st.one_of(st.none(), st.binary()),
    st.one_of(st.none(), st.binary()),
    st.lists(st.tuples(st.sampled_from(["reason", "topic", "partition", "offset", "key", "x"]), st.binary())),
)
def test_no_record_can_make_a_letter_unreadable(
    value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    letter = letter_of(record(value, key=key, headers=tuple(headers)))
    json.dumps(letter.to_json())
    assert letter.reason is not None
    customer_of(letter)

"""What is set aside is whole, and no larger than its topic takes."""

import hashlib
import json

import pytest

from shared.contracts.envelope import Problem, Unreadable
from shared.dead_letters import dead_letter, original_headers, set_aside
from shared.kafka_publisher import plan
from shared.memory_broker import MemoryRecord
from shared.topics import DEAD_LETTER_MAX_BYTES

MIB = 1024 * 1024


def record(value: bytes | None = b"{", key: bytes | None = b"anna", *headers: tuple[str, bytes]) -> MemoryRecord:
    return MemoryRecord("retention.inbox", 3, 77, 0, key, value, headers)


def refused(*problems: Problem) -> Unreadable:
    return Unreadable("invalid-data", problems or [Problem("data", "is missing")])


def test_bytes_key_and_headers_are_kept_with_the_place_and_the_reason() -> None:
    letter = set_aside("retention", dead_letter(record(b"{", b"anna", ("ce_id", b"1"), ("ce_id", b"2")), refused()))
    assert ("retention.dead-letters", b"anna", b"{") == (letter.topic, letter.key, letter.value)
    assert (("ce_id", b"1"), ("ce_id", b"2")) == original_headers(letter.headers)
    own = dict(letter.headers)
    assert (b"retention.inbox", b"3", b"77", b"anna") == tuple(own[n] for n in ("topic", "partition", "offset", "key"))
    assert {"code": "invalid-data", "problems": [{"path": "data", "reason": "is missing"}]} == json.loads(own["reason"])


@pytest.mark.parametrize(
    "sent",
    [
        record(b"x" * 8 * MIB),
        record(b"x" * 4 * MIB, b"k" * 3 * MIB),
        record(b"x", b"k", ("ce_id", b"x" * 9 * MIB)),
        record(b"x" * 7 * MIB, b"k", *(("h" * 100, b"") for _ in range(20_000))),
    ],
    ids=["value", "key", "header", "headers"],
)
def test_what_is_larger_than_the_topic_takes_leaves_its_hash_and_its_place(sent: MemoryRecord) -> None:
    letter = set_aside("retention", dead_letter(sent, refused()))
    own = dict(letter.headers)
    assert (None, None, b"77") == (letter.key, letter.value, own["offset"])
    assert hashlib.sha256(sent.value or b"").hexdigest().encode() == own["value-sha256"]
    assert str(len(sent.value or b"")).encode() == own["value-bytes"]
    assert plan([[letter]])


def test_whatever_just_fits_is_sent_whole() -> None:
    letter = set_aside("retention", dead_letter(record(b"x" * (DEAD_LETTER_MAX_BYTES - 66 * 1024)), refused()))
    assert letter.value is not None
    assert plan([[letter]])


def test_a_reason_does_not_grow_with_what_was_sent() -> None:
    many = [Problem(f"data.{n}" * 1_000, "\ud800" * 1_000) for n in range(10_000)]
    letter = set_aside("retention", dead_letter(record(), refused(*many)))
    assert len(dict(letter.headers)["reason"]) < 128 * 1024
    assert 20 == len(json.loads(dict(letter.headers)["reason"])["problems"])

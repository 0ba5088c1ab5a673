"""How a tick is written and told from an event."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.envelope import Unreadable
from shared.contracts.tick import Tick, read_tick, write_tick

AT = datetime(1997, 1, 2, tzinfo=UTC)
INSTANTS = st.none() | st.datetimes(timezones=st.just(UTC))


@given(INSTANTS, st.booleans())
def test_what_is_written_is_read(at: datetime | None, last: bool) -> None:
    assert Tick("tenure/retention", at, last) == read_tick(write_tick("tenure/retention", at, last))


def test_the_bytes_are_these() -> None:
    assert (
        b'{"specversion":"1.0","id":"tick/1997-01-02T00:00:00Z","source":"tenure/gateway","type":"tenure.tick.v1",'
        b'"time":"1997-01-02T00:00:00Z","datacontenttype":"application/json",'
        b'"dataschema":"urn:tenure:schema:tenure.tick.v1","data":{"at":"1997-01-02T00:00:00Z","last":false}}'
    ) == write_tick("tenure/gateway", AT, False)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"not JSON, tenure.tick.v1",
        b'["tenure.tick.v1"]',
        b'{"type":"tenure.purchase.v1","data":{}}',
        b'{"type":"tenure.suggestion.v1","data":{"words":"tenure.tick.v1"}}',
    ],
)
def test_everything_else_is_no_tick(raw: bytes) -> None:
    assert read_tick(raw) is None


@pytest.mark.parametrize(
    ("data", "path"), [(b"5", "data"), (b'{"at":5}', "data.at"), (b'{"at":"1997-01-02"}', "data.at")]
)
def test_a_tick_that_is_not_right_is_unreadable(data: bytes, path: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_tick(b'{"type":"tenure.tick.v1","data":' + data + b"}")
    assert ("invalid-tick", path) == (refused.value.code, refused.value.problems[0].path)


def test_an_instant_in_another_zone_is_the_same_tick() -> None:
    elsewhere = (AT + timedelta(0)).astimezone(datetime.fromisoformat("1997-01-02T00:00:00+05:00").tzinfo)
    assert write_tick("tenure/gateway", AT) == write_tick("tenure/gateway", elsewhere)

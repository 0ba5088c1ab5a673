"""Where one element of a batch ends and the next begins."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.batch import NotAnArray, TooMany, _split_carefully, split

WHOLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
LAYOUTS = st.sampled_from([{"separators": (",", ":")}, {"indent": 1}, {"separators": (" ,\t", "\r\n:")}])


@given(st.lists(WHOLE, max_size=8), LAYOUTS, st.booleans())
def test_the_elements_are_what_was_put_in(elements: list[Any], layout: dict[str, Any], ascii_only: bool) -> None:
    body = json.dumps(elements, ensure_ascii=ascii_only, **layout).encode(errors="surrogatepass")
    assert elements == [json.loads(element) for element in split(body, most=8)]


@given(st.lists(WHOLE, max_size=8), LAYOUTS)
def test_the_careful_way_gives_the_same_bytes(elements: list[Any], layout: dict[str, Any]) -> None:
    body = json.dumps(elements, **layout).encode()
    assert [bytes(element) for element in split(body, most=8)] == _split_carefully(body, 8)


@pytest.mark.parametrize(
    "damaged", [b"NaN", b"{'a':1}", b"", b'"\xff"', b'"\\ud800"', b"[" * 5000 + b"]" * 5000, b"[}", b'"\\\\"']
)
def test_a_damaged_element_leaves_its_neighbours_whole(damaged: bytes) -> None:
    assert [b'{"a":"],\\"["}', damaged, b"2"] == split(b'[{"a":"],\\"["}, ' + damaged + b" ,2]", most=3)


@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b"[1", b"[1}", b"[1] 2", b'["]', b'["\\"]', b"1", b"\xef\xbb\xbf[]"]
)
def test_without_matching_brackets_there_is_no_array(body: bytes) -> None:
    with pytest.raises(NotAnArray):
        split(body, most=3)


@given(st.binary(max_size=60))
def test_any_bytes_give_elements_or_a_reason(body: bytes) -> None:
    try:
        elements = split(body, most=5)
    except (NotAnArray, TooMany):
        return
    assert len(elements) <= 5


@pytest.mark.parametrize("count", [4, 5_000_000])
def test_too_many_elements_are_not_looked_at_to_the_end(count: int) -> None:
    with pytest.raises(TooMany):
        split(b"[" + b"1," * count + b"1]", most=4)

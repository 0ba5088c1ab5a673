"""Whatever is sent, the answer is never an error of ours."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.catalogue import INPUT_TYPES
from tests.wiring.gateway import BATCH, SINGLE, Gateway, event, raw, running

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running() as gateway:
        yield gateway


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)
NEARLY_AN_EVENT = st.fixed_dictionaries(
    {}, optional={name: st.just(value) | ANY_JSON for name, value in event(dataschema="x", traceparent="y").items()}
)
fuzz = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)


async def _never_an_error(gateway: Gateway, body: bytes) -> None:
    for headers in (SINGLE, BATCH, JSON):
        for path in ("/v1/events", "/v1/events:validate"):
            answer = await gateway.send(body, headers, path)
            assert answer.status_code < 500, answer.text
            assert answer.json()


@fuzz
@given(body=st.binary(max_size=300))
async def test_any_bytes_whatever_are_answered(gateway: Gateway, body: bytes) -> None:
    await _never_an_error(gateway, body)


@fuzz
@given(
    document=NEARLY_AN_EVENT | st.lists(NEARLY_AN_EVENT | ANY_JSON, max_size=4),
    type_=st.sampled_from(sorted(INPUT_TYPES)),
)
async def test_any_json_whatever_is_answered(gateway: Gateway, document: Any, type_: str) -> None:
    if isinstance(document, dict):
        document["type"] = type_
    await _never_an_error(gateway, raw(document))

"""Do the doors answer as their descriptions say? Requests are made from the descriptions, right ones and wrong ones."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from openapi_python_client.schema import OpenAPI
from pydantic import SecretStr

from cli.language.http_services import descriptions
from services.gateway.app import create_app as create_gateway
from services.gateway.settings import Settings
from services.projection.app import create_app as create_read_api
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.keys import ANY_SOURCE, MemoryKeyStore, Scope, issue
from shared.memory_broker import MemoryBroker
from shared.settings import Platform, TimeSource
from shared.topics import inbox
from tests.wiring.serving import serving
from tests.wiring.test_read_api import a_base

FEW, MANY = 5, 100  # requests of each mode for each route; the latter take minutes
DESCRIPTIONS = descriptions()
OPERATIONS = [
    (service, path, method, operation)
    for service, document in DESCRIPTIONS.items()
    for path, operations in document["paths"].items()
    for method, operation in operations.items()
]
FUZZED = [(service, path, method) for service, path, method, _ in OPERATIONS if service in ("gateway", "projection")]
MODES = list(schemathesis.GenerationMode)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY, TEXT = issue("test", list(Scope), [ANY_SOURCE], created=NOW)

each_operation = pytest.mark.parametrize(
    ("service", "path", "method", "operation"), OPERATIONS, ids=[o["operationId"] for *_, o in OPERATIONS]
)
each_fuzzed = pytest.mark.parametrize(("service", "path", "method"), FUZZED)


@pytest.mark.parametrize("service", DESCRIPTIONS)
def test_a_description_is_openapi(service: str) -> None:
    assert re.fullmatch(r"3\.1\.\d", DESCRIPTIONS[service]["openapi"])
    OpenAPI.model_validate(DESCRIPTIONS[service])
    schemathesis.openapi.from_dict(DESCRIPTIONS[service]).validate()


@each_operation
def test_an_operation_has_a_name_that_a_program_can_use(
    service: str, path: str, method: str, operation: dict[str, Any]
) -> None:
    assert re.fullmatch(r"[a-z]+_[a-z]+", operation["operationId"])
    assert operation["tags"]
    assert operation["description"]


def test_no_two_operations_have_one_name() -> None:
    names = [operation["operationId"] for *_, operation in OPERATIONS]
    assert sorted(set(names)) == sorted(names)


@each_operation
def test_every_refusal_is_described_as_a_problem(
    service: str, path: str, method: str, operation: dict[str, Any]
) -> None:
    refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
    assert all(["application/problem+json"] == list(answer["content"]) for answer in refusals.values())
    assert not operation.get("security") or {"401", "403", "500", "503"} <= refusals.keys()
    assert all("Retry-After" in refusals[status]["headers"] for status in {"429", "503"} & refusals.keys())


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """Of a gateway and a read API in memory, which let the key in."""
    with serving(_gateway()) as gateway, serving(_read_api()) as read_api:
        yield {"gateway": gateway, "projection": read_api}


@pytest.mark.parametrize("requests_each", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@each_fuzzed
def test_no_answer_is_an_error_of_ours_or_another_than_described(
    addresses: dict[str, str], service: str, path: str, method: str, mode: schemathesis.GenerationMode,
    requests_each: int,
) -> None:  # fmt: skip
    _fuzz(addresses[service], service, path, method, mode, requests_each)


def test_a_route_without_a_key_answers_as_described(addresses: dict[str, str]) -> None:
    for service, path, method in FUZZED:
        operation = schemathesis.openapi.from_dict(DESCRIPTIONS[service])[path][method]
        answer = requests.request(method, addresses[service] + path.replace("{customer_id}", "c-1"), timeout=10)
        assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"].partition(" ")[0])
        assert operation.is_valid_response(answer)


def _fuzz(address: str, service: str, path: str, method: str, mode: schemathesis.GenerationMode, examples: int) -> None:
    """Every check there is but one: what is right by its schema may still be refused, because it names a customer that
    nobody knows, a cursor that no list gave, an id that is not in normal form."""
    operation = schemathesis.openapi.from_dict(DESCRIPTIONS[service])[path][method]
    headers = {"Authorization": f"Bearer {TEXT}"}

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def requests_are_answered(case: "schemathesis.Case[Any]") -> None:
        answer = case.call(base_url=address, session=session, headers=headers)
        case.validate_response(answer, excluded_checks=[schemathesis.checks.positive_data_acceptance])

    with requests.Session() as session:
        requests_are_answered()


def _gateway() -> FastAPI:
    """In history time, where every instant is as good as another. It lets as much through as can be sent."""
    log = MemoryBroker()
    for service in DOMAIN_SERVICES:
        log.create_topic(inbox(service), 4)
    platform = Platform(
        kafka="localhost:9092", mongo=SecretStr("mongodb://localhost"), partitions=4, time=TimeSource.HISTORY
    )
    knobs = Settings(events_per_s=1_000_000, burst_events=1_000_000)
    keys = MemoryKeyStore(KEY)
    return create_gateway(knobs, platform, log.publisher(), keys, clock=lambda: NOW, monotonic=lambda: 0.0)


def _read_api() -> FastAPI:
    return create_read_api(asyncio.run(a_base()), MemoryKeyStore(KEY), monotonic=lambda: 0.0)

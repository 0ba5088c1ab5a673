"""Do the doors answer as their descriptions say? Requests are made from the descriptions, right ones and wrong ones."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
import requests
import schemathesis
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from openapi_python_client.schema import OpenAPI
from pydantic import SecretStr
from schemathesis.config import SchemathesisConfig

from cli.language.http_services import descriptions
from services.gateway.app import create_app as create_gateway
from services.gateway.settings import Settings
from services.projection.app import create_app as create_read_api
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.keys import ANY_SOURCE, MemoryKeyStore, Scope, issue
from shared.memory_broker import MemoryBroker
from shared.settings import Platform, TimeSource
from shared.topics import inbox
from tests.wiring.delivery import delivering
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
REQUESTS = [  # where nothing is asked for, nothing can be asked wrongly
    (service, path, method, mode)
    for service, path, method, operation in OPERATIONS
    for mode in schemathesis.GenerationMode
    if mode is schemathesis.GenerationMode.POSITIVE or {"parameters", "requestBody"} & operation.keys()
]
ANY_REFUSAL = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}})
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY, TEXT = issue("test", list(Scope), [ANY_SOURCE], created=NOW)

each_operation = pytest.mark.parametrize(
    ("service", "path", "method", "operation"), OPERATIONS, ids=[o["operationId"] for *_, o in OPERATIONS]
)


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


class Door(NamedTuple):
    """Where a service answers, and the key it lets in."""

    address: str
    key: str


class Impatient(requests.Session):
    """A stream never ends; of one, the beginning is enough."""

    def request(self, *args: Any, **options: Any) -> requests.Response:
        answer = super().request(*args, **options | {"stream": True})
        if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            answer._content = next(answer.iter_content(None))
            answer.close()
        return answer


@pytest.fixture(scope="module")
def doors() -> Iterator[dict[str, Door]]:
    """Of every service that has a description, in memory."""
    with (
        serving(_gateway()) as gateway,
        serving(_read_api()) as read_api,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(delivering(already=20)) as delivery,
    ):
        yield {
            "gateway": Door(gateway, TEXT),
            "projection": Door(read_api, TEXT),
            "delivery": Door(delivery.address, delivery.key),
        }


@pytest.mark.parametrize("requests_each", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("service", "path", "method", "mode"), REQUESTS, ids=["-".join((*where, how.value)) for *where, how in REQUESTS]
)
def test_no_answer_is_an_error_of_ours_or_another_than_described(
    doors: dict[str, Door], service: str, path: str, method: str, mode: schemathesis.GenerationMode, requests_each: int
) -> None:  # fmt: skip
    _fuzz(doors[service], service, path, method, mode, requests_each)


def test_a_route_without_a_key_answers_as_described(doors: dict[str, Door]) -> None:
    for service, path, method, described in OPERATIONS:
        if not described.get("security"):
            continue
        operation = schemathesis.openapi.from_dict(DESCRIPTIONS[service])[path][method]
        answer = requests.request(method, doors[service].address + path.replace("{customer_id}", "c-1"), timeout=10)
        assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"].partition(" ")[0])
        assert operation.is_valid_response(answer)


def _fuzz(door: Door, service: str, path: str, method: str, mode: schemathesis.GenerationMode, examples: int) -> None:
    """Every check there is but one: what is right by its schema may still be refused, because it names a customer that
    nobody knows, a cursor that no list gave, an id that is not in normal form."""
    operation = schemathesis.openapi.from_dict(DESCRIPTIONS[service], config=ANY_REFUSAL)[path][method]
    headers = {"Authorization": f"Bearer {door.key}"}

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def requests_are_answered(case: "schemathesis.Case[Any]") -> None:
        answer = case.call(base_url=door.address, session=session, headers=headers)
        case.validate_response(answer, excluded_checks=[schemathesis.checks.positive_data_acceptance])

    with Impatient() as session:
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

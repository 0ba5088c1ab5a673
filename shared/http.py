"""How every HTTP door answers when it refuses, and whom it lets in.

A refusal is an RFC 9457 problem document: `type` and `code` are stable, for programs; `detail` says what to do;
`problems` names each wrong field. A route says whom it lets in by `Depends(require(Scope.READ))`; the app that carries
it is given its keys by `use_keys`. No refusal ever shows a key, and no answer is ever a bare error page.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Depends, FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from shared.contracts.envelope import Problem
from shared.keys import ApiKey, Keyring, KeysUnavailable, Scope

MEDIA_TYPE = "application/problem+json"
TYPE_ROOT = "urn:tenure:problem:"
MAX_PROBLEMS = 10  # named per event or request; the sender mends those first
MAX_QUOTED = 300  # characters of a path or reason: an answer must not grow with what was sent
RETRY_AFTER_S = 5  # where we cannot know better
COMPONENT = "#/components/schemas/{model}"  # where OpenAPI keeps what is referred to by name
_RETRY_AFTER = {"Retry-After": {"description": "whole seconds to wait", "schema": {"type": "integer", "minimum": 0}}}
_CHALLENGE = {"WWW-Authenticate": {"description": "how to prove who you are", "schema": {"type": "string"}}}
_HEADERS = {401: _CHALLENGE, 429: _RETRY_AFTER, 503: _RETRY_AFTER}


class FieldProblem(BaseModel):
    """One thing wrong: where, and what was expected."""

    path: str = Field(description="path of the field, such as data.amount_minor; empty: the whole")
    reason: str


class ProblemDocument(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="urn:tenure:problem:<code>")
    title: str
    status: int
    code: str = Field(description="stable, for programs")
    detail: str = Field(description="what is wrong and what to do, for people")
    problems: list[FieldProblem] = Field(default=[], description=f"the first {MAX_PROBLEMS} fields that are wrong")


def schemas_of(model: type[BaseModel]) -> dict[str, Any]:
    """The model and all it is made of, as components of an OpenAPI document."""
    described = model.model_json_schema(ref_template=COMPONENT)
    return {**described.pop("$defs", {}), model.__name__: described}


class HttpProblem(Exception):  # noqa: N818 - an answer
    """Raised anywhere below a route, it becomes the answer. `members` are further members of the document."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        self.status, self.code, self.detail = status, code, detail
        self.problems, self.headers, self.members = problems, dict(headers or {}), dict(members or {})
        super().__init__(detail)

    def document(self) -> dict[str, Any]:
        return {**problem_document(self.status, self.code, self.detail, self.problems), **self.members}


def problem_document(status: int, code: str, detail: str, problems: Sequence[Problem] = ()) -> dict[str, Any]:
    return {
        "type": TYPE_ROOT + code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "problems": [{"path": clip(p.path), "reason": clip(p.reason)} for p in problems[:MAX_PROBLEMS]],
    }


def clip(text: str) -> str:
    return text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1] + "…"


def json_response(document: Mapping[str, Any], status: int, *, media_type: str = "application/json") -> Response:
    """In ASCII, because what a sender wrote may be quoted, and not all of that can be written in UTF-8."""
    return Response(json.dumps(document, separators=(",", ":")), status, media_type=media_type)


def problem_response(problem: HttpProblem) -> Response:
    response = json_response(problem.document(), problem.status, media_type=MEDIA_TYPE)
    response.headers.update(problem.headers)
    return response


def problem_responses(*statuses: int, schema: str = "ProblemDocument") -> dict[int | str, dict[str, Any]]:
    """For a route's `responses=`: these statuses, and 414 and 500 as everywhere, come with a problem document.
    `schema`: its name among the app's components, for one with members of its own."""
    return {status: _described(status, schema) for status in (*statuses, 414, 500)}


def _described(status: int, schema: str) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": COMPONENT.format(model=schema)}}}
    described = {"description": HTTPStatus(status).phrase, "content": content}
    return described if status not in _HEADERS else {**described, "headers": _HEADERS[status]}


def describe_also(app: FastAPI, schemas: Mapping[str, Any]) -> None:
    """Further components of the app's OpenAPI document: what `$ref`s name that the framework does not know of."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {}).setdefault("schemas", {})
        components.update({name: schemas[name] for name in schemas if name not in components})
        document["components"]["schemas"] = dict(sorted(components.items()))
        return document

    app.openapi = openapi  # type: ignore[method-assign] # the framework's own way to extend it


def unavailable(code: str, detail: str, *, retry_after_s: int = RETRY_AFTER_S) -> HttpProblem:
    return HttpProblem(503, code, detail, headers={"Retry-After": str(retry_after_s)})


def install_problem_handlers(app: FastAPI) -> None:
    """Every refusal of this app, the framework's own among them, is a problem document, and is described as one."""
    describe_also(app, schemas_of(ProblemDocument))
    answers: tuple[tuple[type[Exception], Callable[[Any], HttpProblem]], ...] = (
        (HttpProblem, lambda problem: problem),
        (HTTPException, _from_framework),
        (RequestValidationError, _from_validation),
        (ClientDisconnect, lambda _: HttpProblem(400, "incomplete", "the connection ended before the body did")),
        (Exception, lambda _: HttpProblem(500, "internal", "an error of ours; it is in the log. Try again later.")),
    )
    for kind, translate in answers:
        app.add_exception_handler(kind, _handler(translate))


def _handler(translate: Callable[[Any], HttpProblem]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_: Request, error: Exception) -> Response:
        return problem_response(translate(error))

    return answer


def _from_framework(error: HTTPException) -> HttpProblem:
    """404, 405 and the like."""
    status = HTTPStatus(error.status_code)
    said = error.detail if error.detail != status.phrase else f"{status.phrase}; /openapi.json says what there is."
    return HttpProblem(status, status.phrase.lower().replace(" ", "-"), said, headers=error.headers)


def _from_validation(error: RequestValidationError) -> HttpProblem:
    """Parameters of a request; the path begins with where they stand: `query.limit`."""
    problems = [Problem(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
    return HttpProblem(422, "invalid-request", "The request is not as the API description says.", problems=problems)


_bearer = HTTPBearer(auto_error=False, description="an API key, as `tenure keys create` shows it")
_header = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="the same key, for clients that cannot send the other"
)


def use_keys(app: FastAPI, keyring: Keyring) -> None:
    """The keys that `require` goes by in this app."""
    app.state.keyring = keyring


def require(scope: Scope) -> Callable[..., Awaitable[ApiKey]]:
    """Dependency: the key of the request. 401 without a valid one, 403 without the scope, 503 if none can be read."""

    async def authorised(request: Request, presented: str | None = Security(presented_key, scopes=[scope])) -> ApiKey:
        return await admit(request.app.state.keyring, presented, scope)

    return authorised


async def presented_key(
    bearer: HTTPAuthorizationCredentials | None = Depends(_bearer), header: str | None = Depends(_header)
) -> str | None:
    """Dependency: the key that the request's headers show, unproved."""
    return bearer.credentials if bearer else header


async def admit(keyring: Keyring, presented: str | None, scope: Scope) -> ApiKey:
    """The key, if it is one that may do this. Raises HttpProblem, as `require` answers."""
    key = await _proved(keyring, presented)
    if scope not in key.scopes:
        raise HttpProblem(403, "scope-missing", f"This key has no scope '{scope}'; ask for one that has.")
    return key


async def _proved(keyring: Keyring, presented: str | None) -> ApiKey:
    challenge = {"WWW-Authenticate": 'Bearer realm="tenure"'}
    if not presented:
        raise HttpProblem(401, "key-missing", "Send an API key: 'Authorization: Bearer <key>'.", headers=challenge)
    try:
        key = await keyring.prove(presented)
    except KeysUnavailable:
        raise unavailable("keys-unavailable", "Keys cannot be read at the moment; nothing was accepted.") from None
    if key is None:
        raise HttpProblem(401, "key-invalid", "This API key is unknown or was revoked.", headers=challenge)
    return key

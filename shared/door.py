"""The HTTP side of every process: its health and figures at once, the service's own routes as soon as they are there.

`/livez` and `/readyz` answer 200 or 503 with the reasons, `/metrics` in the format of Prometheus. Until the service is
there, everything else is answered 503: a 404 would tell a channel that its address is wrong.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import structlog
import uvicorn
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.health import Health
from shared.http import MEDIA_TYPE, RETRY_AFTER_S, HttpProblem, json_response, problem_document, problem_response
from shared.http_protocol import KEEP_ALIVE_S, MAX_ADDRESS_BYTES, MAX_HEAD_BYTES, MAX_HEADERS, BoundedProtocol
from shared.logs import traced

log = structlog.get_logger()

OWN_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
DRAIN_S = 5  # for requests under way when the process stops; streams are cut after it
BACKLOG = 2048
SILENT_PEER_S = 60  # what was sent and is not taken for so long: the peer is gone, or reads no more


class Door:
    """An ASGI app in front of the service's."""

    def __init__(self, name: str, health: Health) -> None:
        self._own = _own_app(name, health)
        self._service: ASGIApp | None = None
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    def open(self, service: ASGIApp) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if refusal := _too_much(scope):
            await problem_response(refusal)(scope, receive, send)
            return
        own = self._service is None or scope.get("path") in OWN_PATHS
        traceparent = dict(scope.get("headers", ())).get(b"traceparent", b"").decode("ascii", "replace")
        with traced(traceparent):  # whatever is logged of this request carries its trace
            await (self._own if own or self._service is None else self._service)(scope, receive, send)

    async def listen(self, host: str, port: int) -> None:
        """Raises OSError if the port is taken. Port 0: any free one; the log says which."""
        listening = _bound(host, port)
        log.info("http_listening", host=host, port=listening.getsockname()[1])
        self._server = _Server(
            uvicorn.Config(
                self,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                http=BoundedProtocol,
                ws="none",
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=DRAIN_S,
            )
        )
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))

    async def close(self) -> None:
        """Takes no more requests, and waits for those under way."""
        if self._server and self._serving:
            self._server.should_exit = True
            await self._serving


@asynccontextmanager
async def door(name: str, health: Health, host: str, port: int) -> AsyncIterator[Door]:
    opened = Door(name, health)
    await opened.listen(host, port)
    try:
        yield opened
    finally:
        await opened.close()


class _Server(uvicorn.Server):
    """Signals are the process's own affair."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _too_much(scope: Scope) -> HttpProblem | None:
    """Why this head is not even looked at. One that arrives in one piece passes the server, whatever its size."""
    if scope["type"] != "http":
        return None
    headers = scope.get("headers", ())
    if len(scope.get("raw_path") or b"") + len(scope.get("query_string", b"")) > MAX_ADDRESS_BYTES:
        return HttpProblem(414, "address-too-long", f"Path and query have at most {MAX_ADDRESS_BYTES} bytes.")
    if len(headers) > MAX_HEADERS or sum(len(name) + len(value) for name, value in headers) > MAX_HEAD_BYTES:
        detail = f"A request has at most {MAX_HEADERS} headers and {MAX_HEAD_BYTES} bytes of them."
        return HttpProblem(431, "head-too-large", detail)
    return None


def _own_app(name: str, health: Health) -> FastAPI:
    app = FastAPI(title=name, openapi_url=None)

    @app.get("/livez")
    async def livez() -> Response:
        return _verdict("alive", name, health.dead())

    @app.get("/readyz")
    async def readyz() -> Response:
        return _verdict("ready", name, [*health.dead(), *health.busy()])

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.api_route("/{path:path}", methods=EVERY_METHOD)
    async def elsewhere(path: str) -> Response:
        if health.phase is None:
            problem = problem_document(404, "not-found", f"{name} has nothing at /{path}")
            return json_response(problem, 404, media_type=MEDIA_TYPE)
        problem = problem_document(503, "starting", f"{name} is {health.phase}; try again in a moment")
        answer = json_response(problem, 503, media_type=MEDIA_TYPE)
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
        return answer

    return app


def _verdict(what: str, name: str, reasons: Sequence[str]) -> Response:
    said = {"service": name, what: not reasons, "reasons": list(reasons)}
    return json_response(said, 503 if reasons else 200)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    # What is accepted inherits it. asyncio does not see that this is TCP, and an answer in two writes would take 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; elsewhere such a connection lasts as long as the system lets it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_PEER_S * 1000)
    return listening

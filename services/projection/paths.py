"""How can a customer's id stand in an address, whatever characters it has?

As one segment, percent-encoded: `a/b` is `a%2Fb`. Servers hand the path on decoded, where the two slashes look the
same; so this puts the path back as it was sent, for the routing to see, and the id is decoded after that.
"""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Path
from pydantic import AfterValidator
from starlette.types import ASGIApp, Receive, Scope, Send

CustomerInPath = Annotated[
    str,
    Path(description="the customer's id, percent-encoded as one segment: `a/b` is `a%2Fb`", examples=["customer-1"]),
    AfterValidator(unquote),
]


class EncodedPaths:
    """ASGI middleware: `path` is what the client sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raw: bytes | None = scope.get("raw_path")
            scope = {**scope, "path": quote(scope["path"]) if raw is None else raw.decode("latin-1")}
        await self._app(scope, receive, send)

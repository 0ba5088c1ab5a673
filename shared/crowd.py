"""How many requests does an app work on at once? What is beyond is told to come again, and costs nothing.

For apps whose answers cost memory and a database's time, and hold neither for long: not for streams.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.http import problem_response, unavailable


class AtMost:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, *, requests: int) -> None:
        self._app, self._left = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._left <= 0:
            later = unavailable("busy", "Too many requests are under way at the moment; ask again in a few seconds.")
            await problem_response(later)(scope, receive, send)
        else:
            self._left -= 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._left += 1

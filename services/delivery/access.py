"""How does a reader prove its key, also from a browser, whose EventSource can send no headers?

A page posts its key once, in a header, and gets it back as a cookie that no script can read and that goes to the
stream alone. The server remembers nothing: the cookie is the key, and revoking the key ends it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import APIKeyCookie

from shared.http import admit, presented_key, problem_responses
from shared.keys import Keyring, KeysUnavailable, Scope

STREAM_PATH = "/v1/alerts/stream"
COOKIE = "tenure_key"
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description=f"set by POST {STREAM_PATH}/session, for browsers")


@dataclass(frozen=True, slots=True)
class Access:
    """A reader that was let in. `holds`: whether it would be let in now; while no keys can be read, it would."""

    holds: Callable[[], Awaitable[bool]]


async def reader(
    request: Request,
    header: Annotated[str | None, Depends(presented_key)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Access:
    """Dependency: 401 without a valid key in a header or the cookie, 403 without the scope, 503 if none can be
    read."""
    keyring: Keyring = request.app.state.keyring
    presented = header or cookie
    await admit(keyring, presented, Scope.READ)

    async def holds() -> bool:
        try:
            return await keyring.prove(presented or "") is not None
        except KeysUnavailable:
            return True

    return Access(holds)


def session_router(*, secure: bool) -> APIRouter:
    router = APIRouter(prefix=f"{STREAM_PATH}/session", tags=["alerts"])

    @router.post(
        "",
        operation_id="begin_session",
        status_code=204,
        response_class=Response,
        responses=problem_responses(401, 403, 503),
    )
    async def begin_session(request: Request, key: Annotated[str | None, Depends(presented_key)]) -> Response:
        """The key of the request's header as a cookie, so that an EventSource of this browser may read the stream.

        It is HttpOnly and SameSite=Strict, it goes to the stream alone, and the browser forgets it when it is closed.
        """
        await admit(request.app.state.keyring, key, Scope.READ)
        response = Response(status_code=204, headers={"Cache-Control": "no-store"})
        response.set_cookie(COOKIE, key or "", path=STREAM_PATH, secure=secure, httponly=True, samesite="strict")
        return response

    @router.delete("", operation_id="end_session", status_code=204, response_class=Response)
    async def end_session() -> Response:
        """The browser forgets the key."""
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path=STREAM_PATH, secure=secure, httponly=True, samesite="strict")
        return response

    return router

"""Three thin ASGI layers: headers that browsers heed, well-formed URLs, the second address of every route."""

import re
from urllib.parse import unquote_to_bytes

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.web.problems import MalformedRequest, problem

VERSIONED_PREFIX = "/api/v1"
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": _API_POLICY,
    "cache-control": "no-store",
}
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SecurityHeaders:
    """Set each header a response does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with the headers."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, guarded)


class SoundUrl:
    """Refuse a path or query that is not percent-encoded UTF-8, or that hides control characters."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] == "http" and (reason := _unsound(scope)):
            refusal = problem(Request(scope), MalformedRequest(reason))
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class Versioned:
    """`/api/v1/x` is `/x`: the prefix becomes the ASGI `root_path`, so no route is declared twice."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve both addresses."""
        if scope["type"] == "http" and scope["path"].startswith(f"{VERSIONED_PREFIX}/"):
            scope["root_path"] = scope.get("root_path", "") + VERSIONED_PREFIX
        await self.app(scope, receive, send)


def _unsound(scope: Scope) -> str | None:
    for part in (scope.get("raw_path") or b"", scope["query_string"]):
        if _BROKEN_ESCAPE.search(part):
            return "the URL holds a broken percent escape"
        try:
            plain = unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            return "the URL is not UTF-8"
        if _CONTROL.search(plain):
            return "the URL holds a control character"
    return None

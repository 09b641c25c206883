"""Two thin ASGI layers: response headers that browsers heed, and the second address of every route."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Versioned:
    """`/api/v1/x` is `/x`: the prefix becomes the ASGI `root_path`, so no route is declared twice."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve both addresses."""
        if scope["type"] == "http" and scope["path"].startswith(f"{VERSIONED_PREFIX}/"):
            scope["root_path"] = scope.get("root_path", "") + VERSIONED_PREFIX
        await self.app(scope, receive, send)

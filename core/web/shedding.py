"""Overload: what cannot be served soon is refused at once, so that what was begun is finished.

A request counts from its arrival to the start of its answer: who listens to a stream keeps nobody waiting.
"""

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import Unavailable
from core.web.problems import problem

ALWAYS_SERVED = frozenset({"/health", "/ready", "/metrics"})
"""Who watches must still see."""


class Overloaded(Unavailable):
    """More requests are at work than this process can serve soon; come back after `Retry-After`."""

    code = "overloaded"


class Shed:
    """Refuse what comes while `max_in_flight` requests are at work."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse."""
        if scope["type"] != "http" or scope["path"] in ALWAYS_SERVED:
            await self.app(scope, receive, send)
        elif self.at_work >= scope["app"].state.runtime.settings.max_in_flight:
            refusal = problem(Request(scope), Overloaded("too many requests at once", retry_after=1))
            await refusal(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_at_work = True

        def done() -> None:
            nonlocal is_at_work
            self.at_work -= is_at_work
            is_at_work = False

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                done()
            await send(message)

        self.at_work += 1
        try:
            await self.app(scope, receive, watched)
        finally:
            done()

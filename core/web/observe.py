"""One access line and three metrics per request, under a request id.

Route templates only: paths and queries may hold personal data, and a label per path would grow without bound.
"""

import re
import time
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.ids import uuid7

log = structlog.get_logger(__name__)

HEADER = "x-request-id"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("http_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "http_request_seconds",
            "Time from the request line to the last byte",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge("http_requests_in_flight", "Requests being served", registry=self.registry)

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)


class Observe:
    """The outermost layer: nothing gets past it, exceptions included, which end here in the log."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve and report; never raises."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = request_id = _request_id(scope)
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            self.metrics.in_flight.track_inprogress(),
        ):
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 0

        async def tagged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = scope["state"]["request_id"]
            await send(message)

        try:
            await self.app(scope, receive, tagged)
        except Exception:
            # 500 is answered already, or the answer had begun and is now cut short.
            log.exception("request_failed")
        finally:
            self._report(scope, status, time.perf_counter() - started)

    def _report(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = _template(scope)
        self.metrics.record(method, route, status, seconds)
        log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def _template(scope: Scope) -> str:
    route: Any = scope.get("route")
    return str(getattr(route, "path", "unmatched"))


def _request_id(scope: Scope) -> str:
    """The caller's id when it is a sane one, else a new one."""
    for name, value in scope["headers"]:
        if name == HEADER.encode() and _SANE_ID.fullmatch(text := str(value, "latin-1")):
            return text
    return str(uuid7())

"""How a request is read: the key first, then the query, then the body, each strictly and with bounds.

FastAPI reads the body before it asks who is calling, and turns any error of the reading into one vague 400.
`StrictRoute` reads the body itself, so that FastAPI finds it ready.
"""

import asyncio
import email.message
from collections.abc import AsyncGenerator, Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, params
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from core.errors import DomainError
from core.settings import Settings
from core.web import admission
from core.web.auth import Demand, Requires, identify
from core.web.idempotency import HEADER, CommitsItself, Manner, once, presented
from core.web.large_bodies import spooled
from core.web.parameters import Declared
from core.web.problems import MalformedRequest
from core.web.runtime import runtime
from core.web.strict_json import Bounds, loads

BODY_SECONDS = 30.0
MAX_DIGITS = 18
MAX_SIGNED_BYTES = 4_000_000  # Meta's batches of webhooks have up to 3 MB
FORM_LIMITS = {"max_files": 1, "max_fields": 20, "max_part_size": 100_000}
LARGE_BOUNDS = Bounds(nodes=100_000)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class BodyTooLarge(DomainError):
    """The body is larger than this route takes (1 MB; 25 MB where files or batches are handed in)."""

    code = "body_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class BodyTooSlow(DomainError):
    """The body did not arrive in time."""

    code = "body_too_slow"
    status = HTTPStatus.REQUEST_TIMEOUT


class UnsupportedMediaType(DomainError):
    """The body's `Content-Type` or `Content-Encoding` is not one this route reads."""

    code = "unsupported_media_type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class StrictRequest(Request):
    """A request whose body is bounded in bytes, in time and in what its JSON may hold."""

    max_bytes: int = 1_000_000
    bounds: Bounds = Bounds()

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces. Raises BodyTooLarge, BodyTooSlow, ClientDisconnect."""
        if hasattr(self, "_body"):
            yield self._body
            return
        deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        self._check_size(self._announced_size())
        size, more = 0, not self._stream_consumed
        while more:
            piece, more = await self._next_piece(deadline)
            size += len(piece)
            self._check_size(size)
            yield piece
        self._stream_consumed = True

    async def json(self) -> Any:
        """The strict JSON document of the body."""
        if not hasattr(self, "_json"):
            self._json = loads(await self.body(), self.bounds)
        return self._json

    def hold(self, body: bytes) -> None:
        """The whole body, read already."""
        self._body = body

    async def _next_piece(self, deadline: float) -> tuple[bytes, bool]:
        try:
            async with asyncio.timeout_at(deadline):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow(f"the body did not arrive within {BODY_SECONDS:.0f} seconds") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        return message.get("body", b""), message.get("more_body", False)

    def _announced_size(self) -> int:
        announced = self.headers.get("content-length", "0")
        if not (announced.isascii() and announced.isdigit()):
            raise MalformedRequest("the Content-Length is not a number")
        return int(announced) if len(announced) <= MAX_DIGITS else self.max_bytes + 1

    def _check_size(self, size: int) -> None:
        if size > self.max_bytes:
            raise BodyTooLarge(f"the body may have up to {self.max_bytes} bytes")


class StrictRoute(APIRoute):
    """A route that refuses early and in order: key, scope, rate, unknown parameters, media type, body."""

    large: bool = False

    def get_route_handler(self) -> Handler:
        """FastAPI's handler behind the checks."""
        handle = super().get_route_handler()
        calls: list[object] = [item.call for item in self.dependant.dependencies]
        demands = [call for call in calls if isinstance(call, Demand)]
        declared = Declared.of(self.dependant)
        has_caller = any(isinstance(demand, Requires) for demand in demands)
        handle = self._once(handle, declared) if has_caller and "POST" in (self.methods or ()) else handle

        async def strict(request: Request) -> Response:
            strict_request = self._bounded(request)
            if demands:
                await runtime(request).require_schema()
            for demand in demands:
                await demand.check(strict_request)
            tally = admission.count(request, f"{request.method} {self.path_format}", demands)
            if tally.exceeded:
                return admission.refusal(request, tally)
            declared.check(strict_request)
            response = await self._serve(strict_request, handle)
            response.headers.update(tally.headers)
            return response

        return strict

    async def _serve(self, request: StrictRequest, handle: Handler) -> Response:
        await self._read_body(request)
        return await handle(request)

    def _once(self, handle: Handler, declared: Declared) -> Handler:
        """The handler behind `Idempotency-Key`; a route that declares this header honours it by itself."""
        if HEADER.lower() in declared.headers:
            return handle
        marks = [item for item in self.dependant.dependencies if isinstance(item.call, CommitsItself)]
        manner = Manner(self.path_format, has_body=self.body_field is not None, commits_itself=bool(marks))

        async def keyed(request: Request) -> Response:
            key = presented(request)
            if key is None:
                return await handle(request)
            return await once(request, handle, manner, key, await identify(request))

        return keyed

    def _bounded(self, request: Request) -> StrictRequest:
        bounded = StrictRequest(request.scope, request.receive)
        bounded.max_bytes = self._max_bytes(runtime(request).settings)
        bounded.bounds = LARGE_BOUNDS if self.large else Bounds()
        return bounded

    def _max_bytes(self, settings: Settings) -> int:
        return settings.max_upload_bytes if self.large else settings.max_body_bytes

    @property
    def takes_form(self) -> bool:
        """Whether the body is a form rather than JSON."""
        return self.body_field is not None and isinstance(self.body_field.field_info, params.Form)

    async def _read_body(self, request: StrictRequest) -> None:
        if self.body_field is None:
            return
        if self.takes_form:
            _require_media_type(request, "multipart/form-data")
            form = await request.form(**FORM_LIMITS)
            names = [name for name, _ in form.multi_items()]
            if len(set(names)) != len(names):
                raise MalformedRequest("a form field is given twice")
        elif await request.body():
            _require_media_type(request, "application/json")
            await request.json()


class LargeRoute(StrictRoute):
    """A strict route that takes uploads and batches: up to `max_upload_bytes`, a few of them at once."""

    large = True

    async def _serve(self, request: StrictRequest, handle: Handler) -> Response:
        """A body arrives on disk, at its sender's pace; only a whole one takes a place in memory."""
        room = runtime(request).room
        if self.takes_form:
            await self._read_body(request)
            async with room.place():
                return await handle(request)
        async with spooled(request.stream()) as file, room.place():
            request.hold(file.read())
            return await super()._serve(request, handle)


class SignedRoute(StrictRoute):
    """A strict route whose body itself proves who sent it, hence is read before anybody is known."""

    def _max_bytes(self, settings: Settings) -> int:
        return max(MAX_SIGNED_BYTES, settings.max_body_bytes)


def router(
    *,
    prefix: str = "",
    tags: list[str] | None = None,
    kind: type[StrictRoute] = StrictRoute,
    large: bool = False,
) -> APIRouter:
    """A router whose routes are strict."""
    kind = LargeRoute if large else kind
    return APIRouter(prefix=prefix, tags=[*(tags or [])], route_class=kind)


def _require_media_type(request: Request, expected: str) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("send the body without a Content-Encoding")
    given = request.headers.getlist("content-type")
    media_type, charset = _media_type(given[0]) if len(given) == 1 else ("", "")
    if media_type != expected or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(f"send the body as `{expected}` in UTF-8")


def _media_type(value: str) -> tuple[str, str]:
    """The type and the charset of a `Content-Type`; empty when it cannot be read."""
    message = email.message.Message()
    message["content-type"] = value
    try:
        return message.get_content_type(), str(message.get_param("charset", "utf-8")).lower()
    except ValueError:  # RFC 2231 numbers the pieces of a parameter, and a number may be absurd
        return "", ""

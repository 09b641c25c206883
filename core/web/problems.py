"""Every refusal looks the same: `application/problem+json` (RFC 9457), with a stable code and the request id.

The registry of codes is the `DomainError` classes themselves: a code's page shows its class's docstring.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from core.errors import DomainError, NotFound, Unauthenticated

MEDIA_TYPE = "application/problem+json"
REGISTRY_PATH = "/problems"
_UNREAD = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}  # what is left is not awaited
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")


class MethodNotAllowed(DomainError):
    """The path exists, but not for this method; `Allow` lists those it has."""

    code = "method_not_allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED


class MalformedRequest(DomainError):
    """The request is not what HTTP, its media type or its encoding says it is."""

    code = "malformed_request"
    status = HTTPStatus.BAD_REQUEST


class ValidationFailed(DomainError):
    """Some members of the request do not follow the schema; `errors` points at each."""

    code = "validation_failed"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class InternalError(DomainError):
    """A bug of ours. It is logged under the request id."""

    code = "internal_error"
    status = HTTPStatus.INTERNAL_SERVER_ERROR


class FieldProblem(BaseModel):
    """What is wrong with one member: where (RFC 6901), a stable code, a sentence."""

    pointer: str = Field(examples=["/namespace"])
    code: str = Field(examples=["string_too_long"])
    detail: str


class Problem(BaseModel):
    """The body of every 4xx and 5xx."""

    model_config = ConfigDict(json_schema_extra={"required": ["type", "title", "status", "detail", "code"]})

    type: str = Field(examples=["/problems#not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str
    code: str = Field(examples=["not_found"])
    instance: str = Field(examples=["urn:request:0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d"])
    errors: list[FieldProblem] = []


def problem(
    request: Request,
    error: DomainError,
    *,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[FieldProblem] = (),
) -> Response:
    """The response that tells of `error`."""
    if error.pointer is not None and not errors:
        errors = [FieldProblem(pointer=error.pointer, code=error.code, detail=error.detail)]
    body = Problem(
        type=f"{REGISTRY_PATH}#{error.code}",
        title=HTTPStatus(error.status).phrase,
        status=int(error.status),
        detail=error.detail,
        code=error.code,
        instance=f"urn:request:{request_id(request)}",
        errors=list(errors),
    )
    content = body.model_dump_json(exclude={"errors"} if not errors else None)
    return Response(content, int(error.status), {**_headers(error), **(headers or {})}, MEDIA_TYPE)


def request_id(request: Request) -> str:
    """The id of this request, as the access log and the answer's `X-Request-ID` have it."""
    found: str = getattr(request.state, "request_id", "unknown")
    return found


def of_status(status: int) -> DomainError:
    """The problem of a bare HTTP status, as Starlette and FastAPI raise them."""
    if status == HTTPStatus.NOT_FOUND:
        return NotFound("nothing lives at this path")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowed("this path does not answer to this method")
    return MalformedRequest("the request cannot be read")


def responses(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of a route that may answer with these problems."""
    by_status: dict[int | str, list[str]] = {}
    for error in errors:
        by_status.setdefault(int(error.status), []).append(f"`{error.code}`")
    return {
        status: {
            "description": f"{HTTPStatus(int(status)).phrase}: {', '.join(codes)}",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, codes in by_status.items()
    }


def registry() -> dict[str, type[DomainError]]:
    """Every code this process can answer with, sorted."""
    kinds = {kind.code: kind for kind in descendants(DomainError)}
    return {code: kinds[code] for code in sorted(kinds)}


def registry_page() -> HTMLResponse:
    """What each code means, for people who follow a problem's `type`."""
    items = "".join(
        f'<dt id="{code}"><code>{code}</code> ({int(kind.status)})</dt>'
        f"<dd>{html.escape((kind.__doc__ or '').strip())}</dd>"
        for code, kind in registry().items()
    )
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>Problems</title><h1>Problems</h1><dl>{items}</dl>'
    )


def pointer(location: Sequence[str | int]) -> str:
    """The RFC 6901 pointer of a place. A member's name that is no plain word is the caller's text: `*`."""
    return "".join(f"/{part if _WORD.fullmatch(str(part)) else '*'}" for part in location)


def _headers(error: DomainError) -> dict[str, str]:
    if error.retry_after is not None:
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="cogep"'}
    if error.status in _UNREAD:
        return {"Connection": "close"}
    return {}


def descendants(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    """Every kind of error below this one; some of them more than once."""
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)

"""From exceptions to problems: the one place that decides what a failure looks like outside."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from core.errors import DomainError
from core.web.database_errors import domain_error
from core.web.problems import FieldProblem, InternalError, ValidationFailed, of_status, pointer, problem

log = structlog.get_logger(__name__)

MAX_FIELD_PROBLEMS = 50
SENTENCES = {
    "extra_forbidden": "this member is not known",
    "too_long": "this is too long",
    "uuid_parsing": "this is not a UUID",
    "json_invalid": "this text is not JSON",
    "model_attributes_type": "this is not an object",
}
DATABASE_FAILURES: tuple[type[Exception], ...] = (
    DBAPIError,
    PoolTimeout,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


def install(app: FastAPI) -> None:
    """Make every failure of `app` a problem."""
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ClientDisconnect, _gone)
    for kind in DATABASE_FAILURES:
        app.add_exception_handler(kind, _dependency)
    app.add_exception_handler(Exception, _unexpected)


async def _domain(request: Request, error: Any) -> Response:
    return problem(request, error)


async def _http(request: Request, error: Any) -> Response:
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (allowed := _methods_of(request)):
        headers = {"Allow": allowed}
    return problem(request, of_status(error.status_code), headers=headers)


def _methods_of(request: Request) -> str | None:
    path = get_route_path(request.scope)
    return next((methods for shape, methods in request.app.state.methods if shape.fullmatch(path)), None)


async def _gone(request: Request, _error: Any) -> Response:
    """Nobody will read this; the access line does."""
    return problem(request, of_status(HTTPStatus.BAD_REQUEST))


async def _validation(request: Request, error: Any) -> Response:
    fields = [_field(item) for item in error.errors()[:MAX_FIELD_PROBLEMS]]
    return problem(request, ValidationFailed("the request does not follow the schema"), errors=fields)


async def _dependency(request: Request, error: Any) -> Response:
    refusal = domain_error(error)
    if refusal is None:
        log.error("database_refused_our_statement", exc_info=error)
        return await _unexpected(request, error)
    log.warning("dependency_failed", error=type(error).__name__, code=refusal.code)
    return problem(request, refusal)


async def _unexpected(request: Request, _error: Any) -> Response:
    return problem(request, InternalError("something went wrong on our side; it is logged"))


def _field(item: dict[str, Any]) -> FieldProblem:
    location: Sequence[str | int] = item["loc"]
    where, rest = location[0], location[1:]
    place = pointer(rest) if where == "body" else f"{pointer([where])}{pointer(rest)}"
    return FieldProblem(pointer=place, code=str(item["type"]), detail=_sentence(item))


def _sentence(item: dict[str, Any]) -> str:
    """Pydantic's message, but for those that quote the input or speak Python."""
    return SENTENCES.get(item["type"], str(item["msg"]))

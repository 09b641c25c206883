"""One way to make an application: the same doors, refusals, logs and metrics for every service."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from core import log as logs
from core.db import Database
from core.migrations import DatabaseUnfit
from core.settings import Settings, get_settings
from core.web import docs, handlers, health
from core.web.auth import Anyone, Requires
from core.web.database_errors import domain_error
from core.web.layers import SecurityHeaders, SoundUrl, Versioned
from core.web.observe import Metrics, Observe
from core.web.openapi import with_problems
from core.web.requests import StrictRoute
from core.web.runtime import Runtime
from core.web.shedding import Shed

log = structlog.get_logger(__name__)

Resources = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class Application(FastAPI):
    """FastAPI inside our layers: even its own error handling is observed."""

    def build_middleware_stack(self) -> ASGIApp:
        """Outermost first: observation, headers, overload, sound URLs, the versioned address, FastAPI's."""
        inner = super().build_middleware_stack()
        return Observe(SecurityHeaders(Shed(SoundUrl(Versioned(inner)))), self.state.metrics)

    def openapi(self) -> dict[str, Any]:
        """The document; every refusal in it is a problem."""
        return with_problems(super().openapi())


def create_app(
    title: str,
    routers: Sequence[APIRouter],
    *,
    settings: Settings | None = None,
    description: str = "",
    resources: Resources | None = None,
) -> FastAPI:
    """An application serving `routers` at `/` and, hidden from the schema, under `/api/v1`.

    Settings are read from the environment at start-up when none are given. `resources` is entered after
    the database is open and left before it is closed; it may hang things on `app.state`.
    """
    app = Application(
        title=title,
        version=version("cogep-assist"),
        description=description,
        lifespan=_lifespan(settings, resources),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        root_path_in_servers=False,
    )
    app.state.metrics = Metrics()
    app.state.routers = (health.routes, *routers)
    app.state.methods = _methods(app.state.routers)
    handlers.install(app)
    docs.install(app)
    for routes in app.state.routers:
        _require_strict(routes)
        app.include_router(routes)
    return app


def _methods(routers: Sequence[APIRouter]) -> list[tuple[re.Pattern[str], str]]:
    """What `Allow` says of each path, in the order of matching: Starlette names one route's methods only."""
    by_shape: dict[re.Pattern[str], set[str]] = {}
    for route in (route for routes in routers for route in routes.routes if isinstance(route, StrictRoute)):
        by_shape.setdefault(route.path_regex, set()).update(route.methods or ())
    return [(shape, ", ".join(sorted(methods))) for shape, methods in by_shape.items()]


def _require_strict(routes: APIRouter) -> None:
    for route in routes.routes:
        if not isinstance(route, StrictRoute):
            raise TypeError(f"{route} is not strict: make its router with core.web.requests.router()")
        if not any(isinstance(item.call, Requires | Anyone) for item in route.dependant.dependencies):
            raise TypeError(f"{route} says neither `requires(...)` nor `anyone(...)`")


def _lifespan(
    settings: Settings | None, resources: Resources | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        chosen = settings or get_settings()
        logs.configure(level=chosen.log_level, as_json=chosen.log_json)
        async with AsyncExitStack() as stack:
            database = Database(
                chosen.database_url.get_secret_value(),
                application=app.title,
                pool_size=chosen.database_pool_size,
            )
            stack.push_async_callback(database.dispose)
            app.state.runtime = Runtime(chosen, database)
            stack.push_async_callback(app.state.runtime.rates.close)
            await _verify(app.state.runtime)
            if resources is not None:
                await stack.enter_async_context(resources(app))
            yield

    return lifespan


async def _verify(state: Runtime) -> None:
    """Refuse to start on an unfit database; start without a database, and verify at the first contact."""
    try:
        await state.verify_schema()
    except DatabaseUnfit as error:
        log.critical("database_unfit", reason=type(error).__name__, detail=str(error))
        raise
    except Exception as error:
        if domain_error(error) is None:
            raise
        log.warning("database_unreachable_at_start", error=type(error).__name__)

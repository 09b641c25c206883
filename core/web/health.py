"""Is the process alive, can it work, and how busy is it. Redis is a doorbell: reported, never required."""

import asyncio
from ipaddress import ip_address
from typing import Literal

from fastapi import Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.access import Permission
from core.migrations import DatabaseUnfit, SchemaOutdated
from core.settings import Settings
from core.web.auth import Requires, anyone
from core.web.database_errors import domain_error
from core.web.problems import registry_page
from core.web.requests import router
from core.web.runtime import Config, Runtime, runtime

REDIS_SECONDS = 0.5
DATABASE_SECONDS = 3.0

routes = router(tags=["operation"])
TELLS_NOTHING = [anyone("tells nothing that is anybody's")]
GUARDED = [anyone("open to loopback, else asks for the permission `metrics:read` itself")]

DatabaseState = Literal["ok", "unreachable", "outdated", "unfit"]


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether requests can be served; `redis` is informative: without it, workers poll."""

    status: Literal["ready", "not_ready"]
    database: DatabaseState
    redis: Literal["ok", "unreachable", "not_configured"]


@routes.get("/health", summary="Is the process alive?", dependencies=TELLS_NOTHING)
async def health() -> Health:
    """Always `ok` while the process can answer at all."""
    return Health()


@routes.get(
    "/ready",
    summary="Can requests be served?",
    dependencies=TELLS_NOTHING,
    responses={503: {"model": Readiness}},
)
async def ready(request: Request, settings: Config, response: Response) -> Readiness:
    """503 while the database is unreachable or older than this code."""
    database, redis = await asyncio.gather(_database(runtime(request)), _redis(settings))
    if database != "ok":
        response.status_code = 503
        response.headers["Retry-After"] = "2"
    return Readiness(status="ready" if database == "ok" else "not_ready", database=database, redis=redis)


@routes.get("/metrics", summary="Prometheus metrics", dependencies=GUARDED, response_class=Response)
async def metrics(request: Request) -> Response:
    """Open to loopback; from elsewhere, or through a proxy, it needs the permission `metrics:read`."""
    if not _is_local(request):
        await Requires(Permission.METRICS_READ).check(request)
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@routes.get(
    "/problems", summary="What each problem code means", dependencies=TELLS_NOTHING, response_class=Response
)
async def problems() -> Response:
    """The page that the `type` of every problem links to."""
    return registry_page()


async def _database(state: Runtime) -> DatabaseState:
    try:
        async with asyncio.timeout(DATABASE_SECONDS):
            await state.check()
    except SchemaOutdated:
        return "outdated"
    except DatabaseUnfit:
        return "unfit"
    except Exception as error:
        if domain_error(error) is None:
            raise
        return "unreachable"
    return "ok"


async def _redis(settings: Settings) -> Literal["ok", "unreachable", "not_configured"]:
    if settings.redis_url is None:
        return "not_configured"
    client = Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=REDIS_SECONDS)
    try:
        async with asyncio.timeout(REDIS_SECONDS), client:
            await client.ping()
    except (RedisError, OSError):
        return "unreachable"
    return "ok"


def _is_local(request: Request) -> bool:
    """Straight from this machine: a proxy's header means that somebody else is asking."""
    forwarded = {"forwarded", "x-forwarded-for", "x-real-ip"} & set(request.headers.keys())
    try:
        return not forwarded and request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False

"""The processes of the product, said once. Procfile and docker-compose.yml say the same, by test."""

import base64
import secrets
import sys
from dataclasses import dataclass

from ops.embedded import secret_file
from ops.settings import OpsSettings

WORKER_APP = "worker_service.celery_app"


@dataclass(frozen=True)
class Process:
    """A program to keep alive. `address` is where it listens, if it does; `url` is what to call."""

    name: str
    command: tuple[str, ...]
    address: tuple[str, int] | None = None
    url: str | None = None


def product(settings: OpsSettings) -> tuple[Process, ...]:
    """Both APIs, the worker and the beat, as `cogep up` runs them."""
    return (
        _api("ingestion", settings.host, settings.ingestion_port, settings.ingestion_base),
        _api("agent", settings.host, settings.agent_port, settings.agent_base),
        Process("worker", _celery("worker", "--without-gossip", "--without-mingle", "--without-heartbeat")),
        Process("beat", _celery("beat")),
    )


def environment(database_url: str, redis_url: str | None, settings: OpsSettings) -> dict[str, str]:
    """What the children need to find beside the caller's own environment."""
    readable = {} if settings.env == "prod" else {"COGEP_LOG_JSON": "false"}
    doorbell = {"REDIS_URL": redis_url} if redis_url else {}
    connections = {"DATABASE_URL": database_url, **doorbell}
    return {**readable, "PYTHONUNBUFFERED": "1", **connections, **_secrets(settings)}


def _secrets(settings: OpsSettings) -> dict[str, str]:
    """What the services keep to themselves: given, or made once and kept in the data folder."""
    given = {
        "field-keys": settings.field_keys,
        "match-secret": settings.match_secret,
        "token-secret": settings.token_secret,
    }
    fresh = {"field-keys": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"}
    return {
        f"COGEP_{name.upper().replace('-', '_')}": (
            value.get_secret_value() if value else secret_file(settings.data / name, fresh.get(name))
        )
        for name, value in given.items()
    }


def _api(name: str, host: str, port: int, url: str) -> Process:
    app = f"{name}_service.main:app"
    command = (sys.executable, "-m", "uvicorn", app, "--host", host, "--port", str(port))
    quiet = ("--no-access-log", "--no-server-header", "--log-level", "warning")
    return Process(name, (*command, *quiet, "--timeout-graceful-shutdown", "10"), (host, port), url)


def _celery(command: str, *options: str) -> tuple[str, ...]:
    return (
        sys.executable,
        "-m",
        "celery",
        "--app",
        WORKER_APP,
        "--quiet",
        command,
        "--loglevel",
        "INFO",
        *options,
    )

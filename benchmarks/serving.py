"""An application in a uvicorn process of its own, as `cogep up` starts it."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep

import psutil

from core import apikeys
from core.db import Database
from core.models import ApiKey
from ops.embedded import EphemeralServers
from ops.embedded.redis import free_port

PATIENCE = 60.0
FIELD_KEYS = f"k1:{base64.b64encode(bytes(range(32))).decode()}"
MATCH_SECRET = "the match secret of a benchmark"


@dataclass(frozen=True, slots=True)
class Service:
    """A running uvicorn process."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def megabytes(self) -> float:
        """Its resident memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6


@contextmanager
def serving(app: str, url: str, servers: EphemeralServers) -> Iterator[Service]:
    """The application, until the end of the block."""
    port = free_port()
    command = ["uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=_environment(url, servers), stdout=subprocess.DEVNULL
    )
    try:
        _await_open(port, process)
        yield Service(port, process)
    finally:
        process.terminate()
        process.wait()


async def admin_key(database: Database) -> str:
    """A key for all of it."""
    key = apikeys.mint("bench")
    async with database.transaction() as session:
        session.add(
            ApiKey(
                public_id=key.public_id,
                name="bench",
                secret_sha256=key.secret_sha256,
                scopes=[str(apikeys.Scope.ADMIN)],
            )
        )
    return key.plaintext


def _environment(url: str, servers: EphemeralServers) -> dict[str, str]:
    chosen = {
        "DATABASE_URL": url,
        "COGEP_LOG_LEVEL": "INFO",
        "COGEP_ENV": "test",
        "COGEP_FIELD_KEYS": FIELD_KEYS,
        "COGEP_MATCH_SECRET": MATCH_SECRET,
    }
    if servers.redis is not None:
        chosen["REDIS_URL"] = servers.redis.url()
    return {**os.environ, **chosen}


def _await_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + PATIENCE
    while not any(one.laddr.port == port for one in psutil.Process(process.pid).net_connections("inet")):
        if process.poll() is not None or monotonic() > deadline:
            raise RuntimeError("a service did not start")
        sleep(0.1)

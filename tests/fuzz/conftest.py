import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from core.db import Database
from tests.api import make_key
from tests.product import free_port

PATIENCE = 60.0

SECRETS = {
    "COGEP_FIELD_KEYS": f"k1:{base64.b64encode(bytes(range(32))).decode()}",
    "COGEP_MATCH_SECRET": "the match secret of every fuzz run there is",
    "COGEP_TOKEN_SECRET": "the token secret of every fuzz run there is",
}


@pytest.fixture
def examples() -> int:
    """How many examples each operation gets; a night may have thousands."""
    return int(os.environ.get("COGEP_FUZZ_EXAMPLES", "50"))


@pytest.fixture(params=["ingestion", "agent"])
def server(
    request: pytest.FixtureRequest, database_url: str, redis_url: str, tmp_path: Path
) -> Iterator[str]:
    """A service as production starts it; whatever it meets, it logs no error and lives."""
    port, log = free_port(), tmp_path / "server.log"
    app = f"{request.param}_service.main:app"
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "COGEP_LOG_LEVEL": "ERROR"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "error"],
            env={**os.environ, **SECRETS, **servers},
            stdout=output,
            stderr=output,
        )
    try:
        yield _until_ready(f"http://127.0.0.1:{port}", process)
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        process.wait(30)
    assert log.read_text() == ""


@pytest.fixture
async def key(database: Database) -> str:
    return (await make_key(database)).plaintext


def _until_ready(base: str, process: subprocess.Popen[bytes]) -> str:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        assert process.poll() is None, "the server did not start"
        try:
            if httpx.get(f"{base}/ready", trust_env=False).is_success:
                return base
        except httpx.TransportError:
            sleep(0.1)
    raise AssertionError("the server is not ready")

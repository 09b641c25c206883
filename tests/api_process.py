"""The ingestion API as a process of its own, which may be killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from core.apikeys import MintedKey
from core.migrations import ROOT
from core.settings import Settings
from tests.product import free_port

PATIENCE = 60.0


class Api:
    """One process of the ingestion API, and a client of it."""

    def __init__(self, process: subprocess.Popen[bytes], client: httpx.AsyncClient) -> None:
        self.process = process
        self.client = client

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@asynccontextmanager
async def api(settings: Settings, key: MintedKey) -> AsyncIterator[Api]:
    port = free_port()
    assert settings.field_keys
    assert settings.match_secret
    assert settings.redis_url
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "COGEP_FIELD_KEYS": settings.field_keys.get_secret_value(),
        "COGEP_LOG_LEVEL": "ERROR",
        "COGEP_MATCH_SECRET": settings.match_secret.get_secret_value(),
    }
    command = [sys.executable, "-m", "uvicorn", "ingestion_service.main:app", "--port", str(port)]
    process = subprocess.Popen(  # noqa: ASYNC220 - starting one takes no time
        [*command, "--log-level", "error"], cwd=ROOT, env=os.environ | environment
    )
    headers = {"Authorization": f"Bearer {key.plaintext}"}
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE
        ) as client:
            await until_ready(client)
            yield Api(process, client)
    finally:
        process.kill()
        process.wait()


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                if (await client.get("/ready")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)

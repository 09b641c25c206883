import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from core.apikeys import MintedKey
from core.db import Database
from core.migrations import ROOT
from core.settings import Settings
from tests.api import make_key
from tests.api_process import until_ready
from tests.core.web.idempotency import probe
from tests.core.web.idempotency.conftest import Count
from tests.product import free_port

KEY = {"Idempotency-Key": "order-1"}


@asynccontextmanager
async def process(
    settings: Settings, key: MintedKey, held: Path | None = None
) -> AsyncIterator[tuple[subprocess.Popen[bytes], httpx.AsyncClient]]:
    port = free_port()
    assert settings.field_keys
    assert settings.match_secret
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "COGEP_FIELD_KEYS": settings.field_keys.get_secret_value(),
        "COGEP_MATCH_SECRET": settings.match_secret.get_secret_value(),
        **({probe.HELD: str(held)} if held else {}),
    }
    command = [sys.executable, "-m", "uvicorn", f"{probe.__name__}:serve", "--factory", "--port", str(port)]
    running = subprocess.Popen(  # noqa: ASYNC220 - starting one takes no time
        [*command, "--log-level", "error"], cwd=ROOT, env=os.environ | environment
    )
    headers = {"Authorization": f"Bearer {key.plaintext}"}
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60
        ) as client:
            await until_ready(client)
            yield running, client
    finally:
        running.kill()
        running.wait()


@pytest.mark.parametrize("path", ["/probe/deeds", "/probe/slow"])
async def test_killed_between_work_and_answer_a_retry_has_exactly_one_effect(
    settings: Settings, database: Database, effects: Count, tmp_path: Path, path: str
) -> None:
    key, held = await make_key(database), tmp_path / "held"
    async with process(settings, key, held) as (running, client):
        lost = asyncio.create_task(client.post(path, json={}, headers=KEY))
        await _appears(held)
        running.send_signal(signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            await lost
    async with process(settings, key) as (_, client):
        await _lapse(database)
        answer = await _until_done(client, path)
        assert await effects() == 1
        again = await client.post(path, json={}, headers=KEY)
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")
    assert await effects() == 1


async def _appears(file: Path) -> None:
    async with asyncio.timeout(60):
        while True:
            if file.exists():  # noqa: ASYNC240 - another process makes it
                return
            await asyncio.sleep(0.02)


async def _lapse(database: Database) -> None:
    """As half a minute would."""
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE ops.idempotency_keys SET leased_until = now() WHERE leased_until IS NOT NULL"
        )


async def _until_done(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """As a client retries: the server may need a moment to see that the killed one is gone."""
    while True:
        answer = await client.post(path, json={}, headers=KEY)
        if answer.status_code != 409:
            assert answer.is_success, answer.text
            return answer
        await asyncio.sleep(0.1)

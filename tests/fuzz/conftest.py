import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import httpx
import jwt
import pytest

from core.apikeys import Scope
from core.channels import Secret
from core.db import Database
from core.settings import Settings
from core.tokens import ALGORITHM, Tokens
from tests.accounts import make_channel
from tests.api import make_key
from tests.people import Someone, make_person
from tests.product import free_port

PATIENCE = 90.0
WEBHOOK_SECRET = "the webhook secret of every fuzz run there is"
APP_SECRET = "the app secret of every fuzz run there is"
ACCOUNTS: dict[str, tuple[str, dict[Secret, str]]] = {
    "evolution": ("evolution", {Secret.WEBHOOK_SECRET: WEBHOOK_SECRET}),
    "email": ("email", {Secret.WEBHOOK_SECRET: WEBHOOK_SECRET}),
    "whatsapp": ("whatsapp_cloud", {Secret.APP_SECRET: APP_SECRET}),
}
CONFIGS = {
    "email": {"mailbox": "contato@example.org"},
    "whatsapp_cloud": {"phone_number_id": "106540352242922"},
}


@dataclass(frozen=True)
class Fuzzed:
    """A running service, and everybody who calls it, as a document of the Web Fuzzing Commons."""

    url: str
    environment: dict[str, str]
    counted: Path


@pytest.fixture
async def people(database: Database, settings: Settings, tmp_path: Path) -> Path:
    """The operator, who may do everything, and two who must not see what is somebody else's."""
    operator = {"Authorization": f"Bearer {(await make_key(database)).plaintext}"}
    service = {"Authorization": f"Bearer {(await make_key(database, [Scope.INGEST, Scope.CHAT])).plaintext}"}
    agent = {"Authorization": f"Bearer {_lasting(await make_person(database, settings), settings)}"}
    for account, (kind, secrets) in ACCOUNTS.items():
        await make_channel(database, settings, account, kind, config=CONFIGS.get(kind, {}), secrets=secrets)
    callers = {
        "operator": {**operator, "X-Webhook-Secret": WEBHOOK_SECRET},
        "agent": agent,
        "service": service,
    }
    found = [
        {"name": name, "fixedHeaders": [{"name": key, "value": value} for key, value in headers.items()]}
        for name, headers in callers.items()
    ]
    file = tmp_path / "people.json"
    file.write_text(json.dumps({"auth": found}))
    return file


def _lasting(someone: Someone, settings: Settings) -> str:
    """A token that outlives the run; the session behind it is checked on every call anyhow."""
    tokens = Tokens.of(settings)
    claims = jwt.decode(someone.token, options={"verify_signature": False})
    return jwt.encode({**claims, "exp": datetime.now(UTC) + timedelta(days=1)}, tokens._signing, ALGORITHM)


@pytest.fixture(params=["ingestion", "agent"])
def fuzzed(
    request: pytest.FixtureRequest, settings: Settings, people: Path, tmp_path: Path
) -> Iterator[Fuzzed]:
    """A service as production starts it; whatever it meets, it logs no error and lives."""
    port, log, counted = free_port(), tmp_path / "server.log", tmp_path / "answers.json"
    app = f"{request.param}_service.main:app"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--log-level", "error"],
            env={**os.environ, **environment_of(settings)},
            stdout=output,
            stderr=output,
        )
    known = {"COGEP_FUZZ_PEOPLE": people, "COGEP_FUZZ_COUNTED": counted, "COGEP_FUZZ_APP_SECRET": APP_SECRET}
    try:
        url = _until_ready(f"http://127.0.0.1:{port}", process)
        yield Fuzzed(url, {name: str(value) for name, value in known.items()}, counted)
        assert process.poll() is None, log.read_text()
    finally:
        process.terminate()
        process.wait(30)
    assert log.read_text() == ""


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as a process reads them; limits of rates would hide faults."""
    secrets = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "COGEP_FIELD_KEYS": settings.field_keys,
        "COGEP_MATCH_SECRET": settings.match_secret,
        "COGEP_TOKEN_SECRET": settings.token_secret,
    }
    rates = ("COGEP_RATE_LIMIT", "COGEP_RATE_LIMIT_SUBMIT", "COGEP_RATE_LIMIT_ADDRESS")
    return {
        "COGEP_LOG_LEVEL": "ERROR",
        **dict.fromkeys(rates, "1000000000"),
        **{name: secret.get_secret_value() for name, secret in secrets.items() if secret is not None},
    }


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

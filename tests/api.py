"""An application under test: started as a server would start it, called by a client that holds a key."""

import base64
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from core.apikeys import MintedKey, Scope, mint
from core.db import Database
from core.models import ApiKey
from core.settings import Environment, Settings


def settings_of(database_url: str, redis_url: str | None) -> Settings:
    """The settings of a test: these servers, and secrets of its own."""
    return Settings(
        _env_file=None,
        env=Environment.TEST,
        DATABASE_URL=database_url,
        REDIS_URL=redis_url,  # type: ignore[call-arg]
        field_keys=SecretStr(f"k1:{base64.b64encode(bytes(range(32))).decode()}"),
        match_secret=SecretStr("the match secret of every test there is"),
        token_secret=SecretStr("the token secret of every test there is"),
    )


async def make_key(
    database: Database,
    scopes: Iterable[Scope] = (Scope.ADMIN,),
    *,
    expires_in: timedelta | None = None,
    revoked: bool = False,
) -> MintedKey:
    """A key that the database knows."""
    key, now = mint("test"), datetime.now(UTC)
    async with database.transaction() as session:
        session.add(
            ApiKey(
                public_id=key.public_id,
                name="test",
                secret_sha256=key.secret_sha256,
                scopes=[str(scope) for scope in scopes],
                expires_at=None if expires_in is None else now + expires_in,
                revoked_at=now if revoked else None,
            )
        )
    return key


@asynccontextmanager
async def serving(app: FastAPI, key: MintedKey | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running application; errors of the application come out as answers."""
    headers = {} if key is None else {"Authorization": f"Bearer {key.plaintext}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client,
    ):
        yield client

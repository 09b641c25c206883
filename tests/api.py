"""An application under test: started as a server would start it, called by a client that holds a key."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI

from core.apikeys import MintedKey, Scope, mint
from core.db import Database
from core.models import ApiKey


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

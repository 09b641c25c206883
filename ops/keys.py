"""API keys from the operator's side: whoever holds the database may make one."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession

from core import apikeys, audit
from core.apikeys import Scope
from core.db import Database, driver_connection
from core.models import ApiKey
from ops import queries
from ops.embedded import secret_file

FIRST_KEY_NAME = "first admin"


async def create_key(
    url: str, name: str, scopes: Sequence[Scope], *, env: str, expires_at: datetime | None = None
) -> str:
    """A new key in plain text, which nobody can ask for again."""
    key = apikeys.mint(env)
    async with _transaction(url) as session:
        await queries.insert_key(session, key, name, scopes, expires_at)
        await _note(session, "key.created", key.public_id, {"scopes": [str(scope) for scope in scopes]})
    return key.plaintext


async def list_keys(url: str) -> Sequence[ApiKey]:
    """All keys ever made, revoked ones too, the oldest first."""
    async with _transaction(url) as session:
        return await queries.list_keys(session)


async def revoke_key(url: str, public_id: str) -> bool:
    """Ends a key at once; whether there was a living one of that id."""
    async with _transaction(url) as session:
        revoked = await queries.revoke_key(session, public_id)
        if revoked:
            await _note(session, "key.revoked", public_id, {})
    return revoked


def ensure_first_key(url: str, file: Path, *, env: str) -> bool:
    """Keeps an admin key in `file` that this database knows; whether a new one was made.

    A revoked key stays as it is: somebody decided that. Runs an event loop of its own.
    """
    if file.exists() and asyncio.run(_is_known(url, file.read_text().strip())):
        return False
    plaintext = asyncio.run(create_key(url, FIRST_KEY_NAME, [Scope.ADMIN], env=env))
    file.unlink(missing_ok=True)
    secret_file(file, plaintext)
    return True


async def _note(session: AsyncSession, action: str, public_id: str, data: Mapping[str, JsonValue]) -> None:
    """Who holds the database has no name here: the audit log says that nobody we know did it."""
    connection = await driver_connection(session)
    await audit.record(connection, actor=None, action=action, subject=f"key/{public_id}", data=data)


async def _is_known(url: str, plaintext: str) -> bool:
    parsed = apikeys.parse(plaintext)
    if parsed is None:
        return False
    async with _transaction(url) as session:
        return await queries.find_key(session, parsed[0]) is not None


@asynccontextmanager
async def _transaction(url: str) -> AsyncIterator[AsyncSession]:
    database = Database(url, application="cogep-cli", pool_size=1)
    try:
        async with database.transaction() as session:
            yield session
    finally:
        await database.dispose()

"""Make and revoke API keys. Nobody makes a key that may do more than they may themselves."""

from agent_service.keys import queries
from agent_service.keys.queries import Row
from agent_service.keys.schemas import KeyIn, KeyOut, NewKeyOut
from core import apikeys, audit
from core.access import Principal, permissions_of_scopes
from core.db import Connection, Database
from core.errors import Forbidden, NotFound
from core.settings import Environment
from core.web.pagination import Page, PageQuery, page_of


class ScopesExceedMaker(Forbidden):
    """A new key may do at most what its maker may do."""

    code = "scopes_exceed_maker"


async def list_keys(database: Database, query: PageQuery) -> Page[KeyOut]:
    """A page of keys, the newest first. Raises BadCursor."""
    async with database.connection() as connection:
        rows = await queries.list_keys(connection, before=query.before, limit=query.limit + 1)
    return page_of(rows, query.limit, shown)


async def create_key(database: Database, env: Environment, caller: Principal, asked: KeyIn) -> NewKeyOut:
    """A new key. Raises ScopesExceedMaker."""
    if not permissions_of_scopes(asked.scopes) <= caller.permissions:
        raise ScopesExceedMaker("a key may do at most what its maker may do", pointer="/scopes")
    minted, scopes = apikeys.mint(env), sorted(set(asked.scopes))
    async with database.connection() as connection, connection.transaction():
        row = await queries.insert_key(connection, minted, asked.name, scopes, asked.expires_in_days)
        await _note(connection, caller, "key.created", row)
    return NewKeyOut(**shown(row).model_dump(), key=minted.plaintext)


async def revoke_key(database: Database, caller: Principal, public_id: str) -> None:
    """End a key at once; one that ended before stays ended. Raises NotFound."""
    async with database.connection() as connection, connection.transaction():
        row = await queries.revoke_key(connection, public_id)
        if row is None:
            raise NotFound("there is no such key")
        await _note(connection, caller, "key.revoked", row)


async def _note(connection: Connection, caller: Principal, action: str, row: Row) -> None:
    subject, scopes = f"key/{row['public_id']}", {"scopes": list(row["scopes"])}
    await audit.record(connection, actor=caller.id, action=action, subject=subject, data=scopes)


def shown(row: Row) -> KeyOut:
    """A key's row, as callers see it."""
    return KeyOut(**{name: row[name] for name in KeyOut.model_fields})

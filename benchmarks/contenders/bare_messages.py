"""The bare handler of a message: plain FastAPI, a pydantic model, an asyncpg pool, the same two commits.

No key, no limits, nothing sealed, no conflicts, no log line: what one writes in an hour.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, Request
from pydantic import BaseModel

from core.db import plain_url

CONNECTIONS = 10
INSERT = """
INSERT INTO crm.ingest_events
    (public_id, principal_id, account, source, external_id, body_digest, body_sealed)
VALUES ($1, 1, $2, $3::text::crm.message_source, $4, $5, $6)
ON CONFLICT (account, source, external_id) WHERE external_id IS NOT NULL DO NOTHING RETURNING id"""
LOCK = "SELECT pg_advisory_xact_lock(hashtext($1))"
FIND = """
SELECT c.id, c.public_id FROM crm.identities i JOIN crm.clients c ON c.id = i.client_id
WHERE i.kind = 'phone' AND i.match_key = $1 AND i.valid_to IS NULL"""
NEW_CLIENT = "INSERT INTO crm.clients (public_id) VALUES ($1) RETURNING id, public_id"
NEW_IDENTITY = """
INSERT INTO crm.identities (client_id, kind, match_key, raw, event_id) VALUES ($1, 'phone', $2, $2, $3)"""
LINK = "UPDATE crm.ingest_events SET status = 'LINKED', client_id = $2, linked_at = now() WHERE id = $1"


class MessageIn(BaseModel):
    """A message."""

    source: str
    sender_id: str
    content: str
    external_id: str
    account: str = "default"


class MessageOut(BaseModel):
    """Its event and its sender."""

    event_id: UUID
    contact_id: UUID
    status: str = "persisted"


@asynccontextmanager
async def _pool(app: FastAPI) -> AsyncIterator[None]:
    url = plain_url(os.environ["DATABASE_URL"])
    async with asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_pool)


@app.post("/ingest/message", status_code=202)
async def ingest_message(message: MessageIn, request: Request) -> MessageOut:
    """Insert and commit; lock, look up, link and commit."""
    async with request.app.state.pool.acquire() as connection:
        return await take(connection, message)


async def take(connection: Any, message: MessageIn) -> MessageOut:
    """The two transactions, without HTTP."""
    event_id, body = uuid4(), message.model_dump_json().encode()
    stored = (message.account, message.source, message.external_id, hashlib.sha256(body).digest(), body)
    event = await connection.fetchval(INSERT, event_id, *stored)
    async with connection.transaction():
        client = await _client(connection, message.sender_id, event)
        await connection.execute(LINK, event, client["id"])
    return MessageOut(event_id=event_id, contact_id=client["public_id"])


async def _client(connection: Any, sender: str, event: int) -> Any:
    await connection.execute(LOCK, sender)
    found = await connection.fetchrow(FIND, sender)
    if found is None:
        found = await connection.fetchrow(NEW_CLIENT, uuid4())
        await connection.execute(NEW_IDENTITY, found["id"], sender, event)
    return found

"""The raw limit: FastAPI without us, over the same SQL. No key, no checks, no answer to speak of."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from pgvector.asyncpg import register_vector

from core.db import plain_url
from core.embeddings.hashed_ngrams import HashedNgrams
from core.ids import uuid7
from core.models import JobKind
from core.retrieval.fusion import fusion_of
from core.retrieval.queries import DenseQuestion, Filters, search
from ingestion_service.documents.queries import insert_jobs
from ingestion_service.documents.submission import Submission

CONNECTIONS = 10
EMBEDDER = HashedNgrams()


@asynccontextmanager
async def _pool(app: FastAPI) -> AsyncIterator[None]:
    url = plain_url(os.environ["DATABASE_URL"])
    async with asyncpg.create_pool(url, max_size=CONNECTIONS, init=register_vector) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_pool)


@app.post("/ingest", status_code=202)
async def ingest(request: Request) -> dict[str, str]:
    """The statement that takes a document in."""
    asked = await request.json()
    item = Submission(
        principal_id=1,
        kind=JobKind.TEXT,
        namespace="default",
        source=asked["source"],
        title=None,
        metadata={},
        priority=100,
        run_at=None,
        idempotency_key=None,
        blob=asked["text"].encode(),
    )
    async with request.app.state.pool.acquire() as connection:
        await insert_jobs(connection, 5, [item], {item.public_id})
    return {"id": str(item.public_id)}


@app.post("/retrieve")
async def retrieve(request: Request) -> dict[str, int]:
    """The statement that finds the short list, without the second look."""
    asked = (await request.json())["query"]
    dense = DenseQuestion(
        EMBEDDER.provider, EMBEDDER.name, await EMBEDDER.embed_query(asked), *fusion_of(EMBEDDER.provider)
    )
    async with request.app.state.pool.acquire() as connection:
        found = await search(connection, asked, namespace="default", filters=Filters(), dense=dense)
    return {"found": len(found.passages)}


@app.post("/chat")
async def chat(request: Request) -> dict[str, Any]:
    """The same search between two commits: the question's and the answer's."""
    asked = (await request.json())["question"]
    async with request.app.state.pool.acquire() as connection:
        key = await connection.fetchval(
            "INSERT INTO ai.answers (public_id, principal_id, namespace, question)"
            " VALUES ($1, 1, 'default', $2) RETURNING id",
            uuid7(),
            asked,
        )
        found = await search(connection, asked, namespace="default", filters=Filters())
        await connection.execute("UPDATE ai.answers SET answer = 'x', finished_at = now() WHERE id = $1", key)
    return {"found": len(found.passages)}

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import text

from agent_service.main import create
from core import apikeys
from core.db import Database, driver_connection
from core.embeddings.hashed_ngrams import HashedNgrams
from core.ids import uuid7
from core.models import ApiKey, Document, DocumentVersion, Namespace
from core.retrieval.chunks import NewChunk, replace_chunks
from core.retrieval.embedding_models import ensure_model
from core.settings import Settings
from tests.fake_llm import FakeLLM, fake_llm

Seed = Callable[..., Awaitable[Document]]
Mint = Callable[..., Awaitable[str]]


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """The application behind a real socket: streams, keep-alives and disconnections are those of uvicorn."""
    config = uvicorn.Config(create(settings), host="127.0.0.1", port=0, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        assert not task.done(), task.exception()
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture
def mint(database: Database) -> Mint:
    """A new key with these scopes."""

    async def make(*scopes: apikeys.Scope) -> str:
        key = apikeys.mint("test")
        async with database.transaction() as session:
            session.add(
                ApiKey(
                    public_id=key.public_id,
                    name="teste",
                    secret_sha256=key.secret_sha256,
                    scopes=list(scopes),
                )
            )
        return key.plaintext

    return make


@pytest.fixture
def seed(database: Database) -> Seed:
    """A document with one chunk per paragraph, indexed as the worker would."""
    embedder = HashedNgrams()

    async def make(
        body: str,
        *,
        title: str = "Documento",
        namespace: str = "default",
        metadata: dict[str, Any] | None = None,
        source: str | None = None,
    ) -> Document:
        async with database.transaction() as session:
            space_id = await _namespace(session, namespace)
            document = Document(
                public_id=uuid7(),
                namespace_id=space_id,
                source=source or f"teste://{uuid7()}",
                title=title,
                details=metadata or {},
            )
            session.add(document)
            await session.flush()
            version = DocumentVersion(
                document_id=document.id,
                number=1,
                source_sha256=hashlib.sha256(body.encode()).digest(),
                text_sha256=hashlib.sha256(body.encode()).digest(),
                canonical_text=body,
                outline=[],
                media_type="text/plain",
            )
            session.add(version)
            await session.flush()
            document.current_version_id = version.id
            await session.flush()
            connection = await driver_connection(session)
            spans = _paragraphs(body)
            vectors = await embedder.embed_passages([body[start:end] for start, end in spans])
            model = await ensure_model(
                connection,
                namespace_id=space_id,
                provider=embedder.provider,
                name=embedder.name,
                dimensions=vectors[0].dimensions(),
            )
            await replace_chunks(
                connection,
                namespace_id=space_id,
                document_id=document.id,
                version_id=version.id,
                model_id=model,
                chunks=[
                    NewChunk(start, end, title, body[start:end], vector)
                    for (start, end), vector in zip(spans, vectors, strict=True)
                ],
            )
        return document

    return make


async def _namespace(session: Any, name: str) -> int:
    found = await session.scalar(text("SELECT id FROM ai.namespaces WHERE name = :name"), {"name": name})
    if found is None:
        space = Namespace(name=name)
        session.add(space)
        await session.flush()
        return space.id
    return int(found)


def _paragraphs(body: str) -> list[tuple[int, int]]:
    spans, start = [], 0
    for paragraph in body.split("\n\n"):
        spans.append((start, start + len(paragraph)))
        start += len(paragraph) + 2
    return spans


@pytest.fixture
async def llm() -> AsyncIterator[FakeLLM]:
    async with fake_llm() as fake:
        yield fake


@pytest.fixture
async def with_llm(settings: Settings, llm: FakeLLM) -> Settings:
    return settings.model_copy(
        update={
            "llm_base_url": llm.url,
            "llm_models": ("primeiro", "segundo"),
            "llm_timeout_seconds": 1.0,
        }
    )


@pytest.fixture
async def key(mint: Mint) -> str:
    return await mint(apikeys.Scope.CHAT, apikeys.Scope.READ)


@asynccontextmanager
async def client_of(settings: Settings, key: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings) as url:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=20) as client:
            yield client


@pytest.fixture
async def client(settings: Settings, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """No language model: the extractive answerer."""
    async with client_of(settings, key) as client:
        yield client


@pytest.fixture
async def asking(with_llm: Settings, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """With the fake language model."""
    async with client_of(with_llm, key) as client:
        yield client

"""A document on its way from a job to searchable chunks. No transaction spans the network or the parser."""

import asyncio
import os
from contextlib import nullcontext

from core.errors import JobError
from core.models import JobKind
from core.queue import Job
from core.settings import Settings
from worker_service.documents import index, queries
from worker_service.documents.canonical import canonicalize
from worker_service.documents.chunk import split
from worker_service.documents.fetch import FetchLimits, fetch
from worker_service.documents.reading import Reading, Source
from worker_service.documents.sandbox import ParseLimits, extract_safely
from worker_service.documents.sniff import detect
from worker_service.drain.context import JobContext
from worker_service.embedding import embedder

_parsers = asyncio.Semaphore(os.cpu_count() or 1)
"""Each parser may take `parse_memory_bytes`: a batch of large files must not take the machine."""

LARGE_BYTES = 1_000_000
_large = asyncio.Semaphore(1)
"""A text of 15 MB takes 0.5 GB and a minute of the processor: side by side large ones would all be late."""


async def ingest(job: Job, context: JobContext) -> None:
    """Bring in one document: a new version, or nothing where its bytes are known already.

    Raises JobError with the reason a person can act on.
    """
    async with context.database.connection() as connection:
        request = await queries.get_request(connection, job.id)
    source = await _obtain(request, context)
    if await index.complete_if_known(request, source, context):
        return
    async with _large if len(source.data) > LARGE_BYTES else nullcontext():
        await _bring_in(request, source, context)


async def _bring_in(request: queries.Request, source: Source, context: JobContext) -> None:
    async with context.step("reading", 20):
        reading = await _read(request, source, context.settings)
    async with context.step("embedding", 50):
        vectors = await index.embed(request, reading, embedder(context.settings), context)
    await context.milestone("indexing", 90)
    await index.complete(request, source, reading, vectors, context)


async def _obtain(request: queries.Request, context: JobContext) -> Source:
    if request.kind is JobKind.URL:
        async with context.step("fetching", 5):
            fetched = await fetch(request.source, limits=_fetch_limits(context.settings))
        return Source(fetched.data, fetched.filename, fetched.media_type_declared)
    if request.blob is None:
        raise JobError("source_expired", "The bytes handed in are no longer kept; hand them in again.")
    return Source(request.blob, request.filename, request.media_type)


async def _read(request: queries.Request, source: Source, settings: Settings) -> Reading:
    media_type = detect(source.data, filename=source.filename, declared=source.media_type)
    limits = ParseLimits(settings.parse_timeout_seconds, settings.parse_memory_bytes)
    async with _parsers:
        extracted = await extract_safely(source.data, media_type, limits=limits)
    document = await asyncio.to_thread(
        canonicalize, extracted, title=request.title, source=source.filename or request.source
    )
    chunks = await asyncio.to_thread(split, document)
    if not chunks:
        raise JobError("document_empty", "The document holds no text.")
    return Reading(media_type, document, chunks)


def _fetch_limits(settings: Settings) -> FetchLimits:
    return FetchLimits(settings.fetch_max_bytes, settings.fetch_timeout_seconds, settings.fetch_allowed_hosts)

"""The last step of the pipeline: the new version, its chunks and COMPLETED in one transaction."""

import asyncio
from dataclasses import dataclass

from pgvector import HalfVector
from sqlalchemy.ext.asyncio import AsyncSession

from core.db import Connection, driver_connection
from core.embeddings import Embedder, probe
from core.models import IngestionOutcome
from core.retrieval.chunks import NewChunk, list_vectors, replace_chunks
from core.retrieval.embedding_models import ensure_model
from core.retrieval.index import content_hash
from worker_service.documents import queries
from worker_service.documents.reading import Reading, Source
from worker_service.drain.context import JobContext


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where vectors will stand: a namespace, bound to the one model whose vectors it takes."""

    namespace_id: int
    model_id: int


@dataclass(frozen=True, slots=True)
class Vectors:
    """A vector per chunk, for one shelf; `fresh` says how many had to be computed."""

    shelf: Shelf
    values: list[HalfVector]
    fresh: int


async def complete_if_known(request: queries.Request, source: Source, context: JobContext) -> bool:
    """Complete the job at once when its document was read from these very bytes, under the same title."""
    if request.document_id is None or request.fingerprint != source.fingerprint:
        return False
    async with context.database.transaction() as session:
        connection = await driver_connection(session)
        await queries.lock_known_document(connection, request.document_id)
        standing = await queries.find_standing(connection, request.document_id, context.job.id)
        if standing is None or not _is_unchanged(standing, request, source):
            return False
        await _settle(session, request.document_id, standing, request, context)
    return True


def _is_unchanged(standing: queries.Standing, request: queries.Request, source: Source) -> bool:
    return standing.source_sha256 == source.fingerprint and request.title in {None, standing.title}


async def _settle(
    session: AsyncSession,
    document_id: int,
    standing: queries.Standing,
    request: queries.Request,
    context: JobContext,
) -> None:
    """Complete a job that brings nothing new: it came too late, or its bytes are the current version's."""
    await context.complete(session)
    connection = await driver_connection(session)
    superseded = standing.later_version_id
    if superseded is None:
        await queries.update_metadata(connection, document_id, request.metadata)
    version_id = superseded or standing.version_id
    assert version_id is not None, "a document that is unchanged or superseded has a version"
    await queries.insert_result(
        connection,
        context.job.id,
        document_id=document_id,
        version_id=version_id,
        outcome=IngestionOutcome.SUPERSEDED if superseded else IngestionOutcome.UNCHANGED,
    )


async def embed(
    request: queries.Request, reading: Reading, embedder: Embedder, context: JobContext
) -> Vectors:
    """Vectors for all chunks; those whose words the current version holds already are taken from it.

    Raises JobError `embedding_model_mismatch` before any is computed for a namespace of another model.
    """
    shelf = await _shelf(request, embedder, context)
    known = await _known_vectors(request, shelf, context)
    digests = [content_hash(chunk.header, body) for chunk, body in reading.passages()]
    missing = {
        digest: f"{chunk.header}\n{body}"
        for digest, (chunk, body) in zip(digests, reading.passages(), strict=True)
        if digest not in known
    }
    fresh = await embedder.embed_passages(list(missing.values()))
    known |= dict(zip(missing, fresh, strict=True))
    return Vectors(shelf, [known[digest] for digest in digests], len(fresh))


async def _shelf(request: queries.Request, embedder: Embedder, context: JobContext) -> Shelf:
    """As it was found with the request, nearly always. The last transaction looks again."""
    dimensions = await probe(embedder)
    bound = (request.provider, request.model, request.dimensions)
    if request.namespace_id and request.model_id and bound == (embedder.provider, embedder.name, dimensions):
        return Shelf(request.namespace_id, request.model_id)
    async with context.database.transaction() as session:
        connection = await driver_connection(session)
        namespace_id = await queries.ensure_namespace(connection, request.namespace)
        model_id = await ensure_model(
            connection,
            namespace_id=namespace_id,
            provider=embedder.provider,
            name=embedder.name,
            dimensions=dimensions,
        )
    return Shelf(namespace_id, model_id)


async def _known_vectors(
    request: queries.Request, shelf: Shelf, context: JobContext
) -> dict[bytes, HalfVector]:
    if request.document_id is None:
        return {}
    async with context.database.connection() as connection:
        return await list_vectors(connection, document_id=request.document_id, model_id=shelf.model_id)


async def complete(
    request: queries.Request, source: Source, reading: Reading, vectors: Vectors, context: JobContext
) -> None:
    """Make the reading the document's current version and the job COMPLETED: both, or neither.

    A job accepted before the one whose version is current, or before somebody deleted the document, changes
    nothing: what came last wins.
    """
    title = reading.document.title
    chunks = await asyncio.to_thread(_chunks, reading, vectors)
    async with context.database.transaction() as session:
        connection = await driver_connection(session)
        namespace_id = vectors.shelf.namespace_id
        document_id = await queries.lock_document(connection, namespace_id, request.source, title=title)
        standing = await queries.find_standing(connection, document_id, context.job.id)
        assert standing is not None, "we hold its lock"
        if standing.later_version_id or _is_unchanged(standing, request, source):
            await _settle(session, document_id, standing, request, context)
            return  # others were quicker, with the same bytes or with later ones
        await context.complete(session)
        await _index(connection, document_id, request, source, reading, vectors, chunks, context.job.id)


def _chunks(reading: Reading, vectors: Vectors) -> list[NewChunk]:
    return [
        NewChunk(chunk.start, chunk.end, chunk.header, body, vector)
        for (chunk, body), vector in zip(reading.passages(), vectors.values, strict=True)
    ]


async def _index(
    connection: Connection,
    document_id: int,
    request: queries.Request,
    source: Source,
    reading: Reading,
    vectors: Vectors,
    chunks: list[NewChunk],
    job_id: int,
) -> None:
    version_id = await queries.insert_version(
        connection,
        document_id,
        source_sha256=source.fingerprint,
        text=reading.document.text,
        outline=[section._asdict() for section in reading.document.outline],
        media_type=reading.media_type,
        title=reading.document.title,
        metadata=request.metadata,
    )
    await queries.insert_result(
        connection,
        job_id,
        document_id=document_id,
        version_id=version_id,
        outcome=IngestionOutcome.INDEXED,
        chunk_count=len(reading.chunks),
        embedded_count=vectors.fresh,
    )
    await replace_chunks(
        connection,
        namespace_id=vectors.shelf.namespace_id,
        document_id=document_id,
        version_id=version_id,
        chunks=chunks,
        model_id=vectors.shelf.model_id,
    )

"""The last step of the pipeline: the new version, its chunks and COMPLETED in one transaction."""

import asyncio
from dataclasses import dataclass, replace

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
class Vectors:
    """A vector per chunk, all of one model; `fresh` says how many had to be computed."""

    provider: str
    model: str
    dimensions: int
    values: list[HalfVector]
    fresh: int

    async def bind(self, connection: Connection, namespace_id: int) -> int:
        """The model's id, its vectors allowed in the namespace. Raises JobError where another's are kept."""
        return await ensure_model(
            connection,
            namespace_id=namespace_id,
            provider=self.provider,
            name=self.model,
            dimensions=self.dimensions,
        )


async def complete_if_known(request: queries.Request, source: Source, context: JobContext) -> bool:
    """Complete the job at once when its document was read from these very bytes, under the same title."""
    async with context.database.transaction() as session:
        connection = await driver_connection(session)
        await queries.lock_known_document(connection, request.namespace, request.source)
        return await _complete_unchanged(session, request, source, context)


async def _complete_unchanged(
    session: AsyncSession, request: queries.Request, source: Source, context: JobContext
) -> bool:
    """Needs the document's lock: between the look and the commit nobody changes what was seen."""
    connection = await driver_connection(session)
    known = await queries.find_document(connection, request.namespace, request.source)
    if known is None or known.source_sha256 != source.fingerprint:
        return False
    if request.title not in {None, known.title}:
        return False
    await context.complete(session)
    if not await _complete_superseded(connection, known.id, context.job.id):
        await queries.describe_document(connection, known.id, title=known.title, metadata=request.metadata)
        await queries.insert_result(
            connection,
            context.job.id,
            document_id=known.id,
            version_id=known.version_id,
            outcome=IngestionOutcome.UNCHANGED,
        )
    return True


async def _complete_superseded(connection: Connection, document_id: int, job_id: int) -> bool:
    """Whether something that came after the job has the last word on the document; noted if so."""
    version_id = await queries.find_later_version(connection, document_id, job_id)
    if version_id is None:
        return False
    await queries.insert_result(
        connection,
        job_id,
        document_id=document_id,
        version_id=version_id,
        outcome=IngestionOutcome.SUPERSEDED,
    )
    return True


async def embed(
    request: queries.Request, reading: Reading, embedder: Embedder, context: JobContext
) -> Vectors:
    """Vectors for all chunks; those whose words the current version holds already are taken from it."""
    vectors = Vectors(embedder.provider, embedder.name, await probe(embedder), [], 0)
    async with context.database.transaction() as session:
        connection = await driver_connection(session)
        namespace_id = await queries.ensure_namespace(connection, request.namespace)
        model_id = await vectors.bind(connection, namespace_id)
        document = await queries.find_document(connection, request.namespace, request.source)
        known = await list_vectors(connection, document_id=document.id, model_id=model_id) if document else {}
    digests = [content_hash(chunk.header, body) for chunk, body in reading.passages()]
    missing = {
        digest: f"{chunk.header}\n{body}"
        for digest, (chunk, body) in zip(digests, reading.passages(), strict=True)
        if digest not in known
    }
    fresh = await embedder.embed_passages(list(missing.values()))
    known |= dict(zip(missing, fresh, strict=True))
    return replace(vectors, values=[known[digest] for digest in digests], fresh=len(fresh))


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
        namespace_id = await queries.ensure_namespace(connection, request.namespace)
        document_id = await queries.lock_document(connection, namespace_id, request.source, title=title)
        if await _complete_unchanged(session, request, source, context):
            return  # another job was quicker to bring in the same bytes
        await context.complete(session)
        if await _complete_superseded(connection, document_id, context.job.id):
            return
        await queries.describe_document(connection, document_id, title=title, metadata=request.metadata)
        await _index(connection, namespace_id, document_id, source, reading, vectors, chunks, context.job.id)


def _chunks(reading: Reading, vectors: Vectors) -> list[NewChunk]:
    return [
        NewChunk(chunk.start, chunk.end, chunk.header, body, vector)
        for (chunk, body), vector in zip(reading.passages(), vectors.values, strict=True)
    ]


async def _index(
    connection: Connection,
    namespace_id: int,
    document_id: int,
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
        namespace_id=namespace_id,
        document_id=document_id,
        version_id=version_id,
        chunks=chunks,
        model_id=await vectors.bind(connection, namespace_id),
    )

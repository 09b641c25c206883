"""Search, read and remove documents."""

from uuid import UUID

from agent_service.chat.desk import Means
from agent_service.chat.transcript import mode_of
from agent_service.knowledge import queries
from agent_service.knowledge.schemas import (
    DocumentDetail,
    DocumentOut,
    DocumentQuery,
    NamespaceOut,
    NamespacesOut,
    PassageOut,
    RetrieveIn,
    RetrieveOut,
    TextOut,
    VersionOut,
    VersionsOut,
)
from core import audit
from core.db import Database, driver_connection
from core.errors import NotFound
from core.retrieval.chunks import delete_chunks
from core.retrieval.search import retrieve
from core.web.pagination import Page, page_of


async def retrieve_passages(means: Means, asked: RetrieveIn) -> RetrieveOut:
    """The passages that answer best; none for an unknown namespace."""
    found = await retrieve(
        means.database,
        asked.query,
        namespace=asked.namespace,
        top_k=asked.top_k,
        embedder=means.embedder,
        filters=asked.filters.as_filters(),
    )
    passages = [PassageOut.of(passage) for passage in found.passages]
    return RetrieveOut(mode=mode_of(found), coverage=found.coverage, passages=passages)


async def list_documents(database: Database, query: DocumentQuery) -> Page[DocumentOut]:
    """A page of documents, newest first. Raises BadCursor."""
    async with database.transaction() as session:
        rows = await queries.list_documents(
            session, namespace=query.namespace, title=query.q, before=query.before, limit=query.limit + 1
        )
    return page_of(rows, query.limit, lambda row: DocumentOut(**_shown(row)))


async def get_document(database: Database, document_id: UUID) -> DocumentDetail:
    """The document and its current version. Raises NotFound."""
    async with database.transaction() as session:
        row = await queries.find_document(session, document_id)
    if row is None:
        raise _not_found()
    return DocumentDetail(**row)


async def get_text(database: Database, document_id: UUID, version: int | None) -> TextOut:
    """The canonical text of a version. Raises NotFound."""
    async with database.transaction() as session:
        row = await queries.find_text(session, document_id, version)
    if row is None:
        raise _not_found()
    return TextOut(**row)


async def list_versions(database: Database, document_id: UUID) -> VersionsOut:
    """All versions, newest first. Raises NotFound."""
    async with database.transaction() as session:
        document = await queries.find_document(session, document_id)
        rows = await queries.list_versions(session, document_id)
    if document is None:
        raise _not_found()
    return VersionsOut(items=[VersionOut(**row) for row in rows])


async def delete_document(database: Database, document_id: UUID, *, actor: int | None) -> None:
    """Out of the index, its statistics and every list. Raises NotFound."""
    async with database.transaction() as session:
        found = await queries.lock_document(session, document_id)
        if found is None:
            raise _not_found()
        await queries.mark_deleted(session, found["key"])
        connection = await driver_connection(session)
        await delete_chunks(connection, namespace_id=found["namespace_id"], document_id=found["key"])
        subject = f"document/{document_id}"
        await audit.record(connection, actor=actor, action="document.deleted", subject=subject)


async def list_namespaces(database: Database) -> NamespacesOut:
    """All namespaces, by name."""
    async with database.transaction() as session:
        rows = await queries.list_namespaces(session)
    return NamespacesOut(items=[NamespaceOut(**row) for row in rows])


def _shown(row: queries.Found) -> queries.Found:
    return {name: value for name, value in row.items() if name != "key"}


def _not_found() -> NotFound:
    return NotFound("there is no such document or version")

"""HTTP words for documents: search, list, read, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from agent_service.chat.deps import OurMeans
from agent_service.knowledge import service
from agent_service.knowledge.schemas import (
    DocumentDetail,
    DocumentOut,
    DocumentQuery,
    NamespacesOut,
    RetrieveIn,
    RetrieveOut,
    TextOut,
    TextQuery,
    VersionsOut,
)
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.web.auth import Caller, requires
from core.web.idempotency import commits_itself
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_READ = [requires(Permission.KNOWLEDGE_READ)]
MAY_ADMINISTER = [requires(Permission.KNOWLEDGE_MANAGE)]

knowledge = router(tags=["knowledge"])


@knowledge.post(
    "/retrieve",
    summary="Search",
    dependencies=[*MAY_READ, commits_itself("an embedding provider may be asked in between")],
    responses=responses(*ALWAYS, BodyTooLarge, UnsupportedMediaType),
)
async def retrieve(asked: RetrieveIn, means: OurMeans) -> RetrieveOut:
    """The passages that answer best, each with its exact place in its document."""
    return await service.retrieve_passages(means, asked)


@knowledge.get(
    "/documents",
    summary="List documents, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_documents(query: Annotated[DocumentQuery, Query()], database: Db) -> Page[DocumentOut]:
    """By namespace and by words in the title."""
    return await service.list_documents(database, query)


@knowledge.get(
    "/documents/{document_id}",
    summary="One document",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound),
)
async def get_document(document_id: UUID, database: Db) -> DocumentDetail:
    """With the outline of its current version."""
    return await service.get_document(database, document_id)


@knowledge.get(
    "/documents/{document_id}/text",
    summary="The text citations point into",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound),
)
async def get_text(document_id: UUID, query: Annotated[TextQuery, Query()], database: Db) -> TextOut:
    """`text[start:end]`, in code points, is the quote of a citation of that version."""
    return await service.get_text(database, document_id, query.version)


@knowledge.get(
    "/documents/{document_id}/versions",
    summary="The versions of a document",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound),
)
async def list_versions(document_id: UUID, database: Db) -> VersionsOut:
    """Newest first; old ones keep their text, so that old citations can be checked."""
    return await service.list_versions(database, document_id)


@knowledge.delete(
    "/documents/{document_id}",
    status_code=204,
    summary="Delete a document",
    dependencies=MAY_ADMINISTER,
    responses=responses(*ALWAYS, NotFound),
)
async def delete_document(document_id: UUID, caller: Caller, database: Db) -> None:
    """It is found no more from now on; answers that cited it keep their quotes."""
    await service.delete_document(database, document_id, actor=caller.id)


@knowledge.get("/namespaces", summary="List namespaces", dependencies=MAY_READ, responses=responses(*ALWAYS))
async def list_namespaces(database: Db) -> NamespacesOut:
    """Each with how much it holds."""
    return await service.list_namespaces(database)

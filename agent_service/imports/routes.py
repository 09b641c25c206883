"""HTTP words for imports: hand in, follow, commit, take back."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Form, Query, UploadFile
from fastapi.sse import EventSourceResponse, ServerSentEvent

from agent_service.imports import service
from agent_service.imports.schemas import ImportOptions, ImportOut, ImportQuery, RowOut, RowQuery
from agent_service.imports.service import EmptyImport, ImportNotReady, MappingWanted
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db, Sealed
from core.web.sse import EventId, follow

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_READ = [requires(Permission.IMPORTS_READ)]
MAY_WRITE = [requires(Permission.IMPORTS_WRITE)]

imports = router(prefix="/imports", tags=["imports"])
import_files = router(prefix="/imports", tags=["imports"], large=True)


class ImportIn(ImportOptions):
    """The form of an import."""

    file: UploadFile


@import_files.post(
    "",
    status_code=202,
    summary="Hand a file in",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, BodyTooLarge, UnsupportedMediaType, EmptyImport, MappingWanted, VaultClosed),
)
async def hand_in(
    form: Annotated[ImportIn, Form(media_type="multipart/form-data")],
    caller: Caller,
    database: Db,
    vault: Sealed,
) -> ImportOut:
    """A worker reads it row by row. The same bytes again are the same import, and change nothing."""
    return await service.accept_import(database, vault, caller, form, await form.file.read())


@imports.get(
    "", summary="List imports, newest first", dependencies=MAY_READ, responses=responses(*ALWAYS, BadCursor)
)
async def list_imports(query: Annotated[ImportQuery, Query()], database: Db) -> Page[ImportOut]:
    """Everybody's."""
    return await service.list_imports(database, query)


@imports.get(
    "/{import_id}", summary="One import", dependencies=MAY_READ, responses=responses(*ALWAYS, NotFound)
)
async def get_import(import_id: UUID, database: Db) -> ImportOut:
    """Where it stands now."""
    return await service.get_import(database, import_id)


@imports.get(
    "/{import_id}/rows",
    summary="The rows of an import",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound, BadCursor),
)
async def list_rows(import_id: UUID, query: Annotated[RowQuery, Query()], database: Db) -> Page[RowOut]:
    """In the order of the file; every rejected one says in which line, with which code and why."""
    return await service.list_rows(database, import_id, query)


@imports.post(
    "/{import_id}/commit",
    status_code=202,
    summary="Commit an import that was checked",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, NotFound, ImportNotReady),
)
async def commit_import(import_id: UUID, caller: Caller, database: Db) -> ImportOut:
    """What the dry run told is done. One whose job failed goes on where it stopped."""
    return await service.commit_import(database, caller, import_id)


@imports.post(
    "/{import_id}/revert",
    status_code=202,
    summary="Take an import back",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, NotFound, ImportNotReady),
)
async def revert_import(import_id: UUID, caller: Caller, database: Db) -> ImportOut:
    """Restores what was there; what was changed since stays, and `rows?kept=true` says which."""
    return await service.revert_import(database, caller, import_id)


@imports.get(
    "/{import_id}/events",
    summary="Follow an import",
    dependencies=MAY_READ,
    response_class=EventSourceResponse,
    responses=responses(*ALWAYS, NotFound),
)
async def follow_import(
    found: Annotated[ImportOut, Depends(get_import)], database: Db, last_event_id: EventId = None
) -> AsyncIterator[ServerSentEvent]:
    """`progress` events until `done`, each with the whole import as its data."""
    read = partial(service.get_import, database, found.id)
    async for snapshot in follow(found, read, is_last=lambda seen: seen.finished):
        if (event := _event(snapshot)).id != last_event_id or snapshot.finished:
            yield event


def _event(found: ImportOut) -> ServerSentEvent:
    name = "done" if found.finished else "progress"
    return ServerSentEvent(event=name, id=f"{found.status}-{found.rows.done}-{found.job}", data=found)

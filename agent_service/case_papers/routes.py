"""HTTP words for notes and files of cases."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query
from fastapi.responses import Response

from agent_service.case_papers import service
from agent_service.case_papers.schemas import AttachmentIn, AttachmentOut, CaseCommentIn, CaseCommentOut
from agent_service.case_papers.service import AttachmentTooLarge, EmptyAttachment, TooManyAttachments
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.pagination import BadCursor, Page, PageQuery
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db, Sealed

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable, VaultClosed, NotFound)
BODY = (*ALWAYS, BodyTooLarge, UnsupportedMediaType)
MAY_READ = [requires(Permission.CASES_READ)]
MAY_WRITE = [requires(Permission.CASES_WRITE)]
# Shown by no browser as a page of ours, whatever its bytes are.
AS_FILE = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}

case_papers = router(prefix="/cases", tags=["cases"])
case_uploads = router(prefix="/cases", tags=["cases"], large=True)


@case_papers.post(
    "/{case_id}/comments",
    summary="Say something about a case",
    status_code=HTTPStatus.CREATED,
    dependencies=MAY_WRITE,
    responses=responses(*BODY),
)
async def add_comment(
    case_id: UUID, asked: CaseCommentIn, caller: Caller, database: Db, vault: Sealed
) -> CaseCommentOut:
    """Among us: the client never sees it."""
    return await service.add_comment(database, vault, caller, case_id, asked.body)


@case_papers.get(
    "/{case_id}/comments",
    summary="List what was said about a case, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_comments(
    case_id: UUID, query: Annotated[PageQuery, Query()], caller: Caller, database: Db, vault: Sealed
) -> Page[CaseCommentOut]:
    """By everybody who had it."""
    return await service.list_comments(database, vault, caller, case_id, query)


@case_uploads.post(
    "/{case_id}/attachments",
    summary="Keep a file with a case",
    status_code=HTTPStatus.CREATED,
    dependencies=MAY_WRITE,
    responses=responses(*BODY, EmptyAttachment, AttachmentTooLarge, TooManyAttachments),
)
async def attach(
    case_id: UUID,
    form: Annotated[AttachmentIn, Form(media_type="multipart/form-data")],
    caller: Caller,
    database: Db,
    vault: Sealed,
) -> AttachmentOut:
    """Up to 10 MB, and 50 files; encrypted where they lie."""
    data, name = await form.file.read(), form.file.filename or ""
    return await service.attach(database, vault, caller, case_id, data, name)


@case_papers.get(
    "/{case_id}/attachments",
    summary="List the files of a case, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_attachments(
    case_id: UUID, query: Annotated[PageQuery, Query()], caller: Caller, database: Db, vault: Sealed
) -> Page[AttachmentOut]:
    """Without their bytes."""
    return await service.list_attachments(database, vault, caller, case_id, query)


@case_papers.get(
    "/attachments/{attachment_id}",
    summary="The bytes of a file",
    dependencies=MAY_READ,
    response_class=Response,
    responses=responses(*ALWAYS),
)
async def get_content(attachment_id: UUID, caller: Caller, database: Db, vault: Sealed) -> Response:
    """As they were handed in; that they were read is noted."""
    content = await service.get_content(database, vault, caller, attachment_id)
    return Response(content.data, media_type=content.media_type, headers=AS_FILE)

"""Say something about a case, and keep files with it: by whoever may see it. All of it lies sealed."""

from http import HTTPStatus
from pathlib import PurePosixPath, PureWindowsPath
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue

from agent_service.case_papers import queries
from agent_service.case_papers.schemas import AttachmentOut, CaseCommentOut
from agent_service.cases.queries import Found
from agent_service.cases.service import owner_of, visible
from agent_service.cases.showing import opened
from core.access import Principal
from core.audit import record, record_read
from core.cases.sealing import comment_context, content_context, name_context
from core.db import Database, driver_connection
from core.errors import Conflict, DomainError, Invalid, NotFound
from core.ids import uuid7
from core.types import clean_text
from core.vault import Unreadable, Vault
from core.web.pagination import Page, PageQuery, page_of

MOST_BYTES = 10_000_000
MOST_FILES = 50
MOST_LETTERS = 200
MAGIC = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
ANY = "application/octet-stream"


class EmptyAttachment(Invalid):
    """The file holds no bytes."""

    code = "empty_attachment"


class AttachmentTooLarge(DomainError):
    """A file of a case has at most 10 MB."""

    code = "attachment_too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class TooManyAttachments(Conflict):
    """A case has at most 50 files."""

    code = "too_many_attachments"


class Content(NamedTuple):
    """A file, opened."""

    media_type: str
    data: bytes


async def add_comment(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, body: str
) -> CaseCommentOut:
    """Say something about the case. Raises NotFound."""
    comment = uuid7()
    async with database.transaction() as session:
        key = (await visible(session, caller, case_id))["key"]
        sealed = vault.seal(body.encode(), context=comment_context(comment))
        await queries.insert_comment(session, comment, key, sealed, caller.id)
        rows = await queries.list_comments(session, key, before=None, limit=1)
    return _comment(vault, rows[0])


async def list_comments(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, query: PageQuery
) -> Page[CaseCommentOut]:
    """A page of comments, newest first. Raises NotFound or BadCursor."""
    async with database.transaction() as session:
        key = (await visible(session, caller, case_id))["key"]
        rows = await queries.list_comments(session, key, before=query.before, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: _comment(vault, row))


async def attach(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, data: bytes, given_name: str
) -> AttachmentOut:
    """Keep a file with the case. Raises NotFound and the errors of this module."""
    _check(data)
    attachment = uuid7()
    async with database.transaction() as session:
        key = (await visible(session, caller, case_id))["key"]
        if await queries.count_attachments(session, key) >= MOST_FILES:
            raise TooManyAttachments(f"a case has at most {MOST_FILES} files")
        await queries.insert_attachment(
            session,
            attachment,
            key,
            name=vault.seal(file_name(given_name).encode(), context=name_context(attachment)),
            media_type=media_type(data),
            size=len(data),
            content=vault.seal(data, context=content_context(attachment)),
            author=caller.id,
        )
        connection = await driver_connection(session)
        told: dict[str, JsonValue] = {"attachment": str(attachment), "size": len(data)}
        await record(
            connection, actor=caller.id, action="case.attached", subject=f"case/{case_id}", data=told
        )
        rows = await queries.list_attachments(session, key, before=None, limit=1)
    return _attachment(vault, rows[0])


async def list_attachments(
    database: Database, vault: Vault, caller: Principal, case_id: UUID, query: PageQuery
) -> Page[AttachmentOut]:
    """A page of files, newest first. Raises NotFound or BadCursor."""
    async with database.transaction() as session:
        key = (await visible(session, caller, case_id))["key"]
        rows = await queries.list_attachments(session, key, before=query.before, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: _attachment(vault, row))


async def get_content(database: Database, vault: Vault, caller: Principal, attachment_id: UUID) -> Content:
    """A file's bytes; that they were shown is noted. Raises NotFound."""
    async with database.transaction() as session:
        row = await queries.find_content(session, attachment_id, owner_of(caller))
        if row is None:
            raise NotFound("there is no such file")
        connection = await driver_connection(session)
        subject = f"case/{row['case']}"
        await record_read(connection, principal=caller.id, subject=subject, what="case_attachment")
    try:
        data = vault.open(row["content_sealed"], context=content_context(attachment_id))
    except Unreadable:
        raise NotFound("the key of this file is gone") from None
    return Content(row["media_type"], data)


def media_type(data: bytes) -> str:
    """What the bytes are, of what people look at; anything else is only kept."""
    return next((kind for magic, kind in MAGIC.items() if data.startswith(magic)), ANY)


def file_name(given: str) -> str:
    """The base name, never a path."""
    base = PureWindowsPath(PurePosixPath(given).name).name
    printable = "".join(char for char in base if char.isprintable()).strip(" .")
    try:
        return clean_text(printable[-MOST_LETTERS:]) or "unnamed"
    except ValueError:
        return "unnamed"


def _check(data: bytes) -> None:
    if not data:
        raise EmptyAttachment("the file is empty", pointer="/file")
    if len(data) > MOST_BYTES:
        raise AttachmentTooLarge(f"a file may have up to {MOST_BYTES} bytes", pointer="/file")


def _comment(vault: Vault, row: Found) -> CaseCommentOut:
    return CaseCommentOut(**row, body=opened(vault, row["body_sealed"], comment_context(row["id"])))


def _attachment(vault: Vault, row: Found) -> AttachmentOut:
    return AttachmentOut(**row, name=opened(vault, row["name_sealed"], name_context(row["id"])))

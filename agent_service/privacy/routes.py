"""HTTP words for what people are told about their data."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query

from agent_service.privacy import service
from agent_service.privacy.schemas import NoticeIn, NoticeOut, NoticeQuery
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.web.auth import Caller, requires
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_READ = [requires(Permission.CONSENTS_READ)]
MAY_PUBLISH = [requires(Permission.NOTICES_MANAGE)]

privacy = router(prefix="/privacy", tags=["privacy"])


@privacy.get(
    "/notices",
    summary="List notices, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_notices(query: Annotated[NoticeQuery, Query()], database: Db) -> Page[NoticeOut]:
    """Every version that was ever published, or with `current` what people are shown now."""
    return await service.list_notices(database, query)


@privacy.get(
    "/notices/{notice_id}",
    summary="One notice",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound),
)
async def get_notice(notice_id: UUID, database: Db) -> NoticeOut:
    """The exact text, and its SHA-256."""
    return await service.get_notice(database, notice_id)


@privacy.post(
    "/notices",
    summary="Publish the next version of a notice",
    status_code=HTTPStatus.CREATED,
    dependencies=MAY_PUBLISH,
    responses=responses(*ALWAYS, BodyTooLarge, UnsupportedMediaType),
)
async def publish_notice(asked: NoticeIn, caller: Caller, database: Db) -> NoticeOut:
    """It is shown from now on, and never changed; the first version of a purpose makes the purpose."""
    return await service.publish_notice(database, caller, asked)

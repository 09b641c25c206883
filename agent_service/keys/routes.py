"""HTTP words for API keys."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Query

from agent_service.keys import service
from agent_service.keys.schemas import KeyId, KeyIn, KeyOut, NewKeyOut
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.web.auth import Caller, requires
from core.web.pagination import BadCursor, Page, PageQuery
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Config, Db

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_MANAGE = [requires(Permission.KEYS_MANAGE)]

keys = router(prefix="/keys", tags=["keys"])


@keys.get(
    "",
    summary="List API keys, newest first",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_keys(query: Annotated[PageQuery, Query()], database: Db) -> Page[KeyOut]:
    """Revoked and expired ones too."""
    return await service.list_keys(database, query)


@keys.post(
    "",
    summary="Make an API key",
    dependencies=MAY_MANAGE,
    status_code=HTTPStatus.CREATED,
    responses=responses(*ALWAYS, service.ScopesExceedMaker, BodyTooLarge, UnsupportedMediaType),
)
async def create_key(asked: KeyIn, caller: Caller, database: Db, settings: Config) -> NewKeyOut:
    """Its scopes grant no more than its maker has."""
    return await service.create_key(database, settings.env, caller, asked)


@keys.delete(
    "/{public_id}",
    summary="Revoke an API key",
    dependencies=MAY_MANAGE,
    status_code=HTTPStatus.NO_CONTENT,
    responses=responses(*ALWAYS, NotFound),
)
async def revoke_key(public_id: KeyId, caller: Caller, database: Db) -> None:
    """It ends at once."""
    await service.revoke_key(database, caller, public_id)

"""HTTP words for our accounts: make, look, change, take away."""

from typing import Annotated

from fastapi import Query, Response

from agent_service.channels import service
from agent_service.channels.schemas import ChannelCreated, ChannelIn, ChannelOut, ChannelPatch
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.types import Slug
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.etags import TAGGED, IfMatch, PreconditionFailed, PreconditionRequired, tagged
from core.web.pagination import BadCursor, Page, PageQuery
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db, Sealed

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable, VaultClosed)
BODY = (*ALWAYS, BodyTooLarge, UnsupportedMediaType, service.NotOfThisKind)
CHANGE = (*BODY, service.SecretNeededAnew)
MAY_MANAGE = [requires(Permission.CHANNELS_MANAGE)]

channels = router(prefix="/channels", tags=["channels"])


@channels.post(
    "",
    status_code=201,
    summary="Make an account",
    dependencies=MAY_MANAGE,
    responses=responses(*BODY, service.AccountTaken),
)
async def create_channel(
    asked: ChannelIn, caller: Caller, response: Response, database: Db, vault: Sealed
) -> ChannelCreated:
    """Secrets go in and never come out again, but for those made up here, which are told this once."""
    created = await service.create_channel(database, vault, asked, actor=caller.id)
    response.headers["Location"] = f"/channels/{created.account}"
    return tagged(response, created)


@channels.get("", summary="List accounts", dependencies=MAY_MANAGE, responses=responses(*ALWAYS, BadCursor))
async def list_channels(
    query: Annotated[PageQuery, Query()], database: Db, vault: Sealed
) -> Page[ChannelOut]:
    """The oldest first."""
    return await service.list_channels(database, vault, query)


@channels.get(
    "/{account}",
    summary="One account",
    dependencies=MAY_MANAGE,
    responses={200: TAGGED, **responses(*ALWAYS, NotFound)},
)
async def get_channel(account: Slug, response: Response, database: Db, vault: Sealed) -> ChannelOut:
    """Which secrets it has, and how they end."""
    return tagged(response, await service.get_channel(database, vault, account))


@channels.patch(
    "/{account}",
    summary="Change an account",
    dependencies=MAY_MANAGE,
    responses={200: TAGGED, **responses(*CHANGE, NotFound, PreconditionRequired, PreconditionFailed)},
)
async def update_channel(
    account: Slug,
    asked: ChannelPatch,
    caller: Caller,
    response: Response,
    if_match: IfMatch,
    database: Db,
    vault: Sealed,
) -> ChannelOut:
    """What is not named stays; a null in `config` or `secrets` takes a member away. It holds at once.

    Who names another server gives the secret that is sent there anew.
    """
    changed = await service.update_channel(
        database, vault, account, asked, expected=if_match, actor=caller.id
    )
    return tagged(response, changed)


@channels.delete(
    "/{account}",
    status_code=204,
    summary="Take an account away",
    dependencies=MAY_MANAGE,
    responses=responses(*ALWAYS, NotFound),
)
async def delete_channel(account: Slug, caller: Caller, database: Db) -> None:
    """With its secrets. The messages that came through it stay."""
    await service.delete_channel(database, account, actor=caller.id)

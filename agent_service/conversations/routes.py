"""HTTP words for conversations. Agents see their own and those that are nobody's yet."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from agent_service.conversations import service, steering
from agent_service.conversations.schemas import (
    AssignIn,
    ConversationOut,
    ConversationQuery,
    MessageOut,
    MessageQuery,
    ReplyIn,
)
from agent_service.conversations.steering import ConversationTaken
from agent_service.people.assignees import NotAssignable
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.vault import VaultClosed
from core.web.auth import Caller, requires
from core.web.etags import IfMatchOptional, PreconditionFailed, tagged
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db, Sealed

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
BODY = (BodyTooLarge, UnsupportedMediaType)
MAY_READ = [requires(Permission.CONVERSATIONS_READ)]
MAY_WRITE = [requires(Permission.CONVERSATIONS_WRITE)]

conversations = router(prefix="/conversations", tags=["conversations"])


@conversations.get(
    "",
    summary="List conversations, the latest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_conversations(
    query: Annotated[ConversationQuery, Query()], caller: Caller, database: Db
) -> Page[ConversationOut]:
    """Your own and those that are nobody's; all of them for who leads."""
    return await service.list_conversations(database, caller, query)


@conversations.get(
    "/{conversation_id}",
    summary="One conversation",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, NotFound),
)
async def get_conversation(
    conversation_id: UUID, caller: Caller, database: Db, response: Response
) -> ConversationOut:
    """Who answers in it, and whose it is."""
    return tagged(response, await service.get_conversation(database, caller, conversation_id))


@conversations.get(
    "/{conversation_id}/messages",
    summary="What was said, newest first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, VaultClosed, NotFound, BadCursor),
)
async def list_messages(
    conversation_id: UUID,
    query: Annotated[MessageQuery, Query()],
    caller: Caller,
    database: Db,
    vault: Sealed,
) -> Page[MessageOut]:
    """With what the assistant made of each message and how far each reply got. That you read it is noted."""
    return await service.list_messages(database, vault, caller, conversation_id, query)


@conversations.post(
    "/{conversation_id}/reply",
    summary="Answer the client yourself",
    status_code=HTTPStatus.CREATED,
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, *BODY, VaultClosed, NotFound),
)
async def reply(
    conversation_id: UUID, asked: ReplyIn, caller: Caller, database: Db, vault: Sealed
) -> MessageOut:
    """On the client's own channel, after all that was said before. The assistant keeps silent from now on."""
    return await steering.reply(database, vault, caller, conversation_id, asked)


@conversations.post(
    "/{conversation_id}/handover",
    summary="A person answers from now on",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, NotFound, PreconditionFailed),
)
async def hand_over(
    conversation_id: UUID, caller: Caller, database: Db, if_match: IfMatchOptional, response: Response
) -> ConversationOut:
    """Once this answers, the assistant says nothing more, not even what it was about to say."""
    return tagged(response, await steering.hand_over(database, caller, conversation_id, if_match))


@conversations.post(
    "/{conversation_id}/resume",
    summary="The assistant answers again",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, NotFound, PreconditionFailed),
)
async def resume(
    conversation_id: UUID, caller: Caller, database: Db, if_match: IfMatchOptional, response: Response
) -> ConversationOut:
    """From the next message on; what came meanwhile was a person's to answer."""
    return tagged(response, await steering.resume(database, caller, conversation_id, if_match))


@conversations.post(
    "/{conversation_id}/assign",
    summary="Whose the conversation is",
    dependencies=MAY_WRITE,
    responses=responses(*ALWAYS, *BODY, NotFound, PreconditionFailed, ConversationTaken, NotAssignable),
)
async def assign(
    conversation_id: UUID,
    asked: AssignIn,
    caller: Caller,
    database: Db,
    if_match: IfMatchOptional,
    response: Response,
) -> ConversationOut:
    """Take it, give your own back, or, as a lead, hand it on. Others no longer see what is somebody's."""
    return tagged(response, await steering.assign(database, caller, conversation_id, if_match, asked))

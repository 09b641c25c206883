"""Take part in a conversation. Each act holds its row, so that no turn of the assistant ends meanwhile."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.conversations import queries, showing
from agent_service.conversations.queries import Found
from agent_service.conversations.schemas import AssignIn, ConversationOut, MessageOut, ReplyIn
from agent_service.conversations.service import find, owner_of
from agent_service.people.assignees import find_assignee, require_own_hand
from core.access import Permission, Principal, PrincipalKind
from core.audit import record
from core.conversations import Reply, Thread, say
from core.db import Database, driver_connection
from core.errors import Conflict, NotFound
from core.ids import uuid7
from core.models import Author, ConversationMode, EventType
from core.outbox import emit
from core.vault import Vault
from core.web.etags import require_version


class ConversationTaken(Conflict):
    """Somebody has the conversation. To take it from them, send `If-Match` with the ETag you read."""

    code = "conversation_taken"


async def reply(
    database: Database, vault: Vault, caller: Principal, conversation: UUID, asked: ReplyIn
) -> MessageOut:
    """Say it to the client; the assistant keeps silent from now on. Raises NotFound."""
    async with database.transaction() as session:
        held = await _hold(session, caller, conversation, None)
        connection = await driver_connection(session)
        thread = Thread(held["key"], held["account"], held["last_event"])
        said = Reply(asked.text, f"reply/{uuid7()}", Author.PERSON, caller.id)
        assert await say(connection, vault, thread, said), "a new key is said"
        await _hand_over(session, caller, held)
        rows = await queries.list_messages(session, held["key"], before=None, after=None, limit=1)
    return showing.message(vault, rows[0])


async def hand_over(
    database: Database, caller: Principal, conversation: UUID, if_match: str | None
) -> ConversationOut:
    """A person answers: a turn in flight says nothing any more. Raises NotFound or PreconditionFailed."""
    async with database.transaction() as session:
        held = await _hold(session, caller, conversation, if_match)
        await _hand_over(session, caller, held)
        return showing.conversation(await find(session, conversation, None))


async def resume(
    database: Database, caller: Principal, conversation: UUID, if_match: str | None
) -> ConversationOut:
    """The assistant answers again, from the next message on. Raises NotFound or PreconditionFailed."""
    async with database.transaction() as session:
        held = await _hold(session, caller, conversation, if_match)
        if held["mode"] != ConversationMode.ASSISTANT:
            await _change(session, caller, held, "resumed", ConversationMode.ASSISTANT, held["assigned_id"])
        return showing.conversation(await find(session, conversation, None))


async def assign(
    database: Database, caller: Principal, conversation: UUID, if_match: str | None, asked: AssignIn
) -> ConversationOut:
    """Somebody's conversation, or nobody's; of several who take one at once, one gets it.

    Raises NotFound, PreconditionFailed, Forbidden, ConversationTaken or NotAssignable.
    """
    async with database.transaction() as session:
        held = await _hold(session, caller, conversation, if_match)
        person = await find_assignee(session, caller, asked.assignee, Permission.CONVERSATIONS_WRITE)
        if person != held["assigned_id"]:
            _may_hand_on(caller, held["assigned_id"], person, if_match)
            await _change(session, caller, held, "assigned", ConversationMode(held["mode"]), person)
        return showing.conversation(await find(session, conversation, None))


async def _hold(session: AsyncSession, caller: Principal, conversation: UUID, if_match: str | None) -> Found:
    held = await queries.lock_conversation(session, conversation, owner_of(caller))
    if held is None:
        raise NotFound("there is no such conversation")
    require_version(if_match, held["version"])
    return held


async def _hand_over(session: AsyncSession, caller: Principal, held: Found) -> None:
    """A person who takes over a conversation that is nobody's has it."""
    if held["mode"] == ConversationMode.HUMAN:
        return
    takes_it = held["assigned_id"] is None and caller.kind is PrincipalKind.PERSON
    assignee = caller.id if takes_it else held["assigned_id"]
    await _change(session, caller, held, "handed_over", ConversationMode.HUMAN, assignee)
    connection = await driver_connection(session)
    data = {"conversation_id": held["id"], "account": held["account"]}
    await emit(connection, EventType.CONVERSATION_HANDOVER, subject=held["id"], data=data)


async def _change(
    session: AsyncSession,
    caller: Principal,
    held: Found,
    what: str,
    mode: ConversationMode,
    assignee: int | None,
) -> None:
    await queries.change(session, held["key"], mode=mode.value, assignee=assignee)
    connection = await driver_connection(session)
    subject, data = f"conversation/{held['id']}", {"mode": mode.value, "assignee": assignee}
    await record(connection, actor=caller.id, action=f"conversation.{what}", subject=subject, data=data)


def _may_hand_on(caller: Principal, holder: int | None, person: int | None, if_match: str | None) -> None:
    require_own_hand(caller, holder, person, Permission.CONVERSATIONS_ALL)
    if holder is not None and person is not None and if_match is None:
        raise ConversationTaken("somebody has this conversation; send If-Match with the ETag you read")

"""One turn after the other in a conversation that is ours: think without a lock, end it in one transaction.

Whatever dies in between, the turn was done or it was not: consent, ticket, reply and DONE commit together,
under the conversation's row and its newest token. Facts that changed while we thought send us back to think.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.conversations import Heard, Reply, Thread, hear, say
from core.db import Connection
from core.models import Author, ConversationMode
from core.queue import DOWN, backoff
from core.vault import Unreadable
from worker_service.conversations import queries, texts
from worker_service.conversations.decision import Standing
from worker_service.conversations.deliberation import Draft, deliberate
from worker_service.conversations.effects import Performance
from worker_service.conversations.facts import look
from worker_service.conversations.means import Means
from worker_service.conversations.queries import Due, Held

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 8
MOST_THOUGHTS = 5
EARLY_WAIT = 0.2
OUTAGES = (*DOWN, SQLAlchemyError)


class ConversationLost(Exception):
    """Somebody else holds the conversation by now: what we were about to write is not written."""


class FactsKeepChanging(Exception):
    """Each time we had thought, a consent, a hand-over or the like had come in between."""


class DiedTooOften(Exception):
    """The worker died over this turn again and again."""


async def take_turns(means: Means, held: Held) -> None:
    """Take the waiting turns of a held conversation, oldest first, and give it back.

    An outage is raised: the conversation is claimed again when its lease has ended.
    """
    async with _kept(means, held):
        while await _take_next(means, held):
            log.debug("next_turn", conversation=held.conversation)


async def _take_next(means: Means, held: Held) -> bool:
    """Whether to go on with the conversation."""
    async with means.database.connection() as connection:
        due = await queries.begin(connection, held)
        if due is None or due.is_early:
            await queries.release(connection, held, wait=EARLY_WAIT)
            return False
    try:
        return await _take(means, held, due)
    except ConversationLost:
        log.warning("conversation_lost", conversation=held.conversation, token=held.token)
    except OUTAGES:
        raise
    except Exception as error:
        log.exception("turn_failed", turn=due.turn, attempt=due.attempt)
        await _note_failure(means, held, due, error)
    return False


async def _take(means: Means, held: Held, due: Due) -> bool:
    if due.attempt > MOST_ATTEMPTS:
        raise DiedTooOften
    heard = hear(means.vault, due.event, due.body_sealed)
    for _ in range(MOST_THOUGHTS):
        async with means.database.connection() as connection:
            facts = await look(connection, means.vault, held.conversation, due, heard, hold=False)
        draft = await deliberate(means, facts, due.event_key, heard)
        if await _settle(means, held, due, heard, facts.standing, draft):
            return True
        log.info("facts_changed", turn=due.turn)
    raise FactsKeepChanging


async def _settle(means: Means, held: Held, due: Due, heard: Heard, standing: Standing, draft: Draft) -> bool:
    """End the turn; False when the client stands elsewhere by now. Raises ConversationLost."""
    async with means.database.connection() as connection, connection.transaction():
        await _own(connection, held)
        facts = await look(connection, means.vault, held.conversation, due, heard, hold=True)
        if facts.standing != standing:
            return False
        await Performance(connection, means.vault, held.conversation, due, facts).carry_out(draft)
        intent = draft.then.intent if draft.then else draft.intent
        outcome = draft.then.step if draft.then else draft.step
        if not await queries.finish(connection, due.turn, outcome=outcome, intent=intent):
            raise ConversationLost
    return True


async def _note_failure(means: Means, held: Held, due: Due, error: Exception) -> None:
    """The turn is tried again a little later, and given up when that cannot help."""
    code = "unreadable" if isinstance(error, Unreadable) else type(error).__name__
    hopeless = isinstance(error, Unreadable) or due.attempt >= MOST_ATTEMPTS
    async with means.database.connection() as connection, connection.transaction():
        if not await queries.lock(connection, held):
            return
        if hopeless:
            await queries.finish(connection, due.turn, state="FAILED", error_code=code)
            await _apologise(connection, means, held, due)
        await queries.release(connection, held, wait=0 if hopeless else backoff(due.attempt))


async def _apologise(connection: Connection, means: Means, held: Held, due: Due) -> None:
    """Only where the assistant speaks at all."""
    mode = await queries.get_mode(connection, held.conversation)
    if mode is ConversationMode.ASSISTANT and await queries.assistant_is_on(connection, due.account):
        thread = Thread(held.conversation, due.account, due.event_key)
        reply = Reply(texts.TROUBLE, f"turn/{due.turn}/trouble", Author.SYSTEM)
        await say(connection, means.vault, thread, reply)


async def _own(connection: Connection, held: Held) -> None:
    if not await queries.lock(connection, held):
        raise ConversationLost


@asynccontextmanager
async def _kept(means: Means, held: Held) -> AsyncIterator[None]:
    """Renew the lease as long as the block runs. Where it is lost all the same, the token fences."""
    ttl = means.settings.queue_lease_seconds

    async def renew() -> None:
        while True:
            await asyncio.sleep(ttl / 3)
            with suppress(*OUTAGES):
                async with means.database.connection() as connection:
                    await queries.renew(connection, held, ttl=ttl)

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()

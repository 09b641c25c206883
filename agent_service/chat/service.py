"""Read answers back, and listen to those in the making. An answer is its asker's only."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from agent_service.chat import queries
from agent_service.chat.desk import AnswerInterrupted, Desk
from agent_service.chat.schemas import ChatOut, CitationOut, Event
from agent_service.chat.transcript import LAST_EVENTS, Cursor, Transcript, stored
from core.access import Principal
from core.assistant.abstention import OFFER
from core.db import Database
from core.errors import Conflict, NotFound

LONGEST_ANSWER = timedelta(minutes=15)
"""An answer that is not stored by then was lost with its process."""

KEEP_ALIVE_SECONDS = 15.0
WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.5


class AnswerPending(Conflict):
    """The answer is still in the making: follow its events, or come back."""

    code = "answer_pending"


async def get_answer(database: Database, caller: Principal, answer_id: UUID) -> ChatOut:
    """The stored answer. Raises NotFound, AnswerPending, or AnswerInterrupted when there will be none."""
    async with database.transaction() as session:
        row = await queries.find_answer(session, answer_id, caller.id)
        if row is None:
            raise NotFound("there is no such answer")
        citations = await queries.list_citations(session, row["key"])
    if row["answer"] is None:
        if row["finished"] or datetime.now(UTC) - row["created_at"] > LONGEST_ANSWER:
            raise AnswerInterrupted("this answer was never finished; ask again")
        raise AnswerPending("this answer is still in the making")
    return ChatOut(
        **{name: row[name] for name in ("id", "question", "namespace", "answer", "abstained", "coverage")},
        model=row["model"],
        notice=row["error"],
        offer=OFFER if row["abstained"] else None,
        citations=[CitationOut(**citation) for citation in citations],
    )


async def open_transcript(database: Database, desk: Desk, caller: Principal, answer_id: UUID) -> Transcript:
    """The transcript of the caller's answer: live when it is in the making here, else from the database.

    An answer that another process is making is waited for. Raises as `get_answer`.
    """
    until = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        live = desk.find(answer_id)
        try:
            return stored(await get_answer(database, caller, answer_id))
        except AnswerPending:
            if live is not None:
                return live
            if asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(_POLL_SECONDS)


async def listen(
    transcript: Transcript, since: Cursor, *, keep_alive: float = KEEP_ALIVE_SECONDS
) -> AsyncIterator[Event | None]:
    """The events after `since` as they come, the last one `done` or `error`; None after a silence."""
    place = since
    while True:
        signal = transcript.signal  # before looking, so that nothing is said unheard
        for event in transcript.events_after(place):
            place = Cursor.parse(event.id)
            yield event
            if event.name in LAST_EVENTS:
                return
        try:
            async with asyncio.timeout(keep_alive):
                await signal.wait()
        except TimeoutError:
            yield None

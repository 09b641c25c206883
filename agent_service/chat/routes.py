"""HTTP words for questions: ask, listen, read back."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from agent_service.chat import service
from agent_service.chat.deps import AtDesk
from agent_service.chat.desk import AnswerInterrupted
from agent_service.chat.schemas import ChatIn, ChatOut
from agent_service.chat.transcript import Cursor, Transcript
from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.web.auth import Caller, requires
from core.web.idempotency import commits_itself
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db
from core.web.sse import EventId

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable, AnswerInterrupted)
MAY_CHAT = [requires(Permission.CHAT_USE)]
EVENT_STREAM = "text/event-stream"
EVENTS: dict[str, Any] = {"content": {EVENT_STREAM: {}}, "description": "Events, the last `done` or `error`"}
STREAMED: dict[str, Any] = {"content": {EVENT_STREAM: {}}, "description": "The answer, whole or as events"}

chat = router(prefix="/chat", tags=["chat"])

Accept = Annotated[str | None, Header(include_in_schema=False)]


@chat.post(
    "",
    summary="Ask a question",
    dependencies=[*MAY_CHAT, commits_itself("a model speaks in between")],
    response_model=ChatOut,
    responses={200: STREAMED, **responses(*ALWAYS, BodyTooLarge, UnsupportedMediaType)},
)
async def ask(
    asked: ChatIn, caller: Caller, desk: AtDesk, response: Response, accept: Accept = None
) -> Response | ChatOut:
    """Answers from the documents, each sentence with its source, or says that they do not tell.

    With `stream: true` or `Accept: text/event-stream` the answer comes as events: `meta`, `retrieval`,
    `delta`, `citation`, `abstain`, `usage`, and at last `done` or `error`. Leaving does not stop it.
    """
    transcript = await desk.ask(caller, asked)
    location = f"/chat/{transcript.id}"
    if asked.stream or EVENT_STREAM in (accept or ""):
        return _events(transcript, Cursor(), {"Location": location})
    response.headers["Location"] = location
    return await transcript.end()


@chat.get(
    "/{answer_id}",
    summary="Read an answer back",
    dependencies=MAY_CHAT,
    responses=responses(*ALWAYS, NotFound, service.AnswerPending),
)
async def get_answer(answer_id: UUID, caller: Caller, database: Db) -> ChatOut:
    """The stored answer to a question of yours; the quotes are cut from the documents anew."""
    return await service.get_answer(database, caller, answer_id)


@chat.get(
    "/{answer_id}/events",
    summary="Listen to an answer, from wherever you were",
    dependencies=MAY_CHAT,
    response_class=Response,
    responses={200: EVENTS, **responses(*ALWAYS, NotFound)},
)
async def listen(
    answer_id: UUID, caller: Caller, database: Db, desk: AtDesk, last_event_id: EventId = None
) -> Response:
    """The events of `POST /chat` after `Last-Event-ID`, live or from the stored answer."""
    transcript = await service.open_transcript(database, desk, caller, answer_id)
    return _events(transcript, Cursor.parse(last_event_id))


def _events(transcript: Transcript, cursor: Cursor, headers: dict[str, str] | None = None) -> Response:
    unbuffered = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", **(headers or {})}
    return EventSourceResponse(_framed(transcript, cursor), headers=unbuffered)


async def _framed(transcript: Transcript, cursor: Cursor) -> AsyncIterator[bytes]:
    async for event in service.listen(transcript, cursor):
        if event is None:
            yield KEEPALIVE_COMMENT
        else:
            data = json.dumps(event.data, ensure_ascii=False)
            yield format_sse_event(event=event.name, data_str=data, id=event.id)

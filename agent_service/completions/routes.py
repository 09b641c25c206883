"""HTTP words of OpenAI's chat completions."""

from collections.abc import AsyncIterator

from fastapi import Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from agent_service.chat.deps import AtDesk
from agent_service.chat.routes import ALWAYS, MAY_CHAT, STREAMED
from agent_service.chat.transcript import Transcript
from agent_service.completions import service
from agent_service.completions.schemas import CompletionIn, CompletionOut, ModelsOut
from agent_service.knowledge import queries
from core.web.auth import Caller
from core.web.idempotency import commits_itself
from core.web.problems import responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db

completions = router(prefix="/v1", tags=["OpenAI-compatible"])


@completions.post(
    "/chat/completions",
    summary="Ask as an OpenAI client",
    dependencies=[*MAY_CHAT, commits_itself("a model speaks in between")],
    response_model=CompletionOut,
    responses={200: STREAMED, **responses(*ALWAYS, BodyTooLarge, UnsupportedMediaType)},
)
async def complete(request: CompletionIn, caller: Caller, desk: AtDesk) -> Response | CompletionOut:
    """Answers the user's last message from the documents; `citations` tell where each sentence comes from."""
    transcript = await desk.ask(caller, service.question_of(request))
    if request.stream:
        return EventSourceResponse(_framed(transcript, request), headers={"Cache-Control": "no-cache"})
    return service.completion_of(await transcript.end(), request.model)


@completions.get("/models", summary="The models to choose from", dependencies=MAY_CHAT)
async def list_models(database: Db) -> ModelsOut:
    """`cogep` answers from the default namespace, `cogep:<namespace>` from another."""
    async with database.transaction() as session:
        found = await queries.list_namespaces(session)
    return service.models_of([row["name"] for row in found])


async def _framed(transcript: Transcript, request: CompletionIn) -> AsyncIterator[bytes]:
    async for data in service.chunks_of(transcript, request):
        yield KEEPALIVE_COMMENT if data is None else format_sse_event(data_str=data)

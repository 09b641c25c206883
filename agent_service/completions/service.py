"""Translates between our transcripts and OpenAI's completions."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

from agent_service.chat.schemas import ChatIn, ChatOut, UsageOut
from agent_service.chat.service import listen
from agent_service.chat.transcript import Cursor, Transcript
from agent_service.completions.schemas import (
    MODEL,
    Choice,
    Chunk,
    CompletionIn,
    CompletionOut,
    MessageOut,
    ModelOut,
    ModelsOut,
    TokensOut,
)

DONE = "[DONE]"


def question_of(request: CompletionIn) -> ChatIn:
    """The question inside a conversation."""
    return ChatIn(question=request.question, namespace=request.namespace)


def completion_of(answer: ChatOut, model: str) -> CompletionOut:
    """A finished answer as a completion."""
    return CompletionOut(
        id=_id(answer.id),
        created=int(time.time()),
        model=model,
        choices=[Choice(message=MessageOut(content=answer.answer))],
        usage=_tokens(answer.usage),
        citations=answer.citations,
        abstained=answer.abstained,
    )


def models_of(namespaces: list[str]) -> ModelsOut:
    """One model per namespace; the default one goes by our name."""
    named = [f"{MODEL}:{name}" for name in namespaces if name != "default"]
    return ModelsOut(data=[ModelOut(id=name) for name in (MODEL, *named)])


async def chunks_of(transcript: Transcript, request: CompletionIn) -> AsyncIterator[str | None]:
    """The data of each event of a streamed completion, `[DONE]` at the end; None after a silence."""
    frame = _Frame(_id(transcript.id), request.model)
    yield frame.chunk({"role": "assistant", "content": ""})
    async for event in listen(transcript, Cursor()):
        if event is None:
            yield None
        elif event.name == "delta":
            yield frame.chunk({"content": event.data["text"]})
        elif event.name == "error":
            yield json.dumps({"error": {"code": event.data["code"], "message": event.data["detail"]}})
        elif event.name == "done":
            for line in _last(frame, await transcript.end(), with_usage=request.with_usage):
                yield line
    yield DONE


class _Frame:
    """What every chunk of one completion shares."""

    def __init__(self, completion_id: str, model: str) -> None:
        self._common = {
            "id": completion_id,
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }

    def chunk(self, delta: dict[str, Any], finish: str | None = None, **extra: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return self.bare(choices=[choice], **extra)

    def bare(self, **members: Any) -> str:
        chunk: Chunk = {**self._common, **members}
        return json.dumps(chunk, ensure_ascii=False)


def _last(frame: _Frame, answer: ChatOut, *, with_usage: bool) -> list[str]:
    citations = [citation.model_dump(mode="json") for citation in answer.citations]
    lines = [frame.chunk({}, "stop", citations=citations, abstained=answer.abstained)]
    if with_usage:
        lines.append(frame.bare(choices=[], usage=_tokens(answer.usage).model_dump()))
    return lines


def _tokens(usage: UsageOut | None) -> TokensOut:
    if usage is None:
        return TokensOut()
    asked, said = usage.prompt_tokens, usage.completion_tokens
    return TokensOut(prompt_tokens=asked, completion_tokens=said, total_tokens=asked + said)


def _id(answer_id: object) -> str:
    return f"chatcmpl-{answer_id}"

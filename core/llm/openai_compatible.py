"""`POST {base}/chat/completions`, streamed: what OpenAI, vLLM, Ollama, LM Studio and most others speak."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from http import HTTPStatus

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.llm.model import Delta, Message, ModelInterrupted, ModelRefused, ModelUnavailable, Usage
from core.llm.server_sent_events import Malformed, data_of_events

_VERSIONED = re.compile(r"/v\d+[a-z0-9]*$")
_PATH = "/chat/completions"
_DONE = "[DONE]"
_TRANSIENT = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


def completions_url(base_url: str) -> str:
    """Where to post, whether or not the base already ends in `/v1` or in the whole path."""
    base = base_url.rstrip("/")
    if base.endswith(_PATH):
        return base
    return f"{base}{_PATH}" if _VERSIONED.search(base) else f"{base}/v1{_PATH}"


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Content(_Lenient):
    content: str | None = None


class _Choice(_Lenient):
    delta: _Content = _Content()
    message: _Content = _Content()
    finish_reason: str | None = None

    @property
    def text(self) -> str:
        return self.delta.content or self.message.content or ""


class _Usage(_Lenient):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Piece(_Lenient):
    """One event of the stream, or the whole answer of a server that does not stream."""

    choices: list[_Choice] = Field(default_factory=list)
    usage: _Usage | None = None
    error: object = None


class OpenAICompatible:
    """One model of one server. `timeout` (seconds) is for the whole answer. The client stays the caller's."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        timeout: float = 60,
    ) -> None:
        self._client = client
        self._url = completions_url(base_url)
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout = timeout
        self._model = model

    @property
    def name(self) -> str:
        """The model's name, as the server knows it."""
        return self._model

    async def stream(self, messages: Sequence[Message], *, max_tokens: int) -> AsyncGenerator[Delta, None]:
        """The answer in pieces. Raises ModelInterrupted once some text came, else one of the other two."""
        started = False
        try:
            async with aclosing(self._pieces(messages, max_tokens)) as pieces:
                async for delta in _in_time(pieces, self._timeout):
                    started = started or bool(delta.text)
                    yield delta
        except (TimeoutError, httpx.HTTPError, ModelUnavailable) as error:
            code = _code(error)
            raise (ModelInterrupted if started else ModelUnavailable)(code, self._model) from error
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ModelRefused("llm_misconfigured", "the address or the key cannot be sent") from error

    async def _pieces(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[Delta, None]:
        body = {
            "model": self._model,
            "messages": [message.as_json() for message in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        request = self._client.stream(
            "POST", self._url, json=body, headers=self._headers, timeout=self._timeout
        )
        async with request as response:
            _require_success(response)
            read = _streamed if "event-stream" in response.headers.get("content-type", "") else _whole
            async for piece in read(response):
                for delta in _deltas(self._model, piece):
                    yield delta


async def _in_time(pieces: AsyncIterator[Delta], seconds: float) -> AsyncIterator[Delta]:
    """The same pieces, until the time is over; a server that drips must not hold a person for ever."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        async with asyncio.timeout_at(deadline):
            delta = await anext(pieces, None)
        if delta is None:
            return
        yield delta


async def _streamed(response: httpx.Response) -> AsyncIterator[_Piece]:
    finished = False
    try:
        async for data in data_of_events(response.aiter_bytes()):
            if data == _DONE:
                return
            piece = _parsed(data)
            finished = finished or any(choice.finish_reason for choice in piece.choices)
            yield piece
    except Malformed as error:
        raise ModelUnavailable("llm_garbled", str(error)) from error
    if not finished:
        raise ModelUnavailable("llm_cut")


async def _whole(response: httpx.Response) -> AsyncIterator[_Piece]:
    piece = _parsed(await response.aread())
    if not piece.choices:
        raise ModelUnavailable("llm_garbled", "no choices")
    yield piece


def _parsed(data: str | bytes) -> _Piece:
    try:
        piece = _Piece.model_validate_json(data)
    except ValidationError as error:
        raise ModelUnavailable("llm_garbled", "not a completion") from error
    if piece.error:
        raise ModelUnavailable("llm_error", "the stream carried an error")
    return piece


def _deltas(model: str, piece: _Piece) -> list[Delta]:
    text = "".join(choice.text for choice in piece.choices[:1])
    usage = Usage(**piece.usage.model_dump()) if piece.usage else None
    return [Delta(model, text, usage)] if text or usage else []


def _require_success(response: httpx.Response) -> None:
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ModelUnavailable(f"llm_http_{status}")
    raise ModelRefused(f"llm_http_{status}")


def _code(error: Exception) -> str:
    if isinstance(error, ModelUnavailable):
        return error.code
    timed_out = isinstance(error, TimeoutError | httpx.TimeoutException)
    return "llm_timeout" if timed_out else "llm_unreachable"

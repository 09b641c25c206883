"""`POST {base}/v1/embeddings`: what OpenAI, TEI, vLLM, Ollama and LM Studio speak."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, ClassVar

import httpx
from pgvector import HalfVector

from core.embeddings.protocol import check_dimensions, rejected, unavailable, unit
from core.errors import JobError

ATTEMPTS = 5
LONGEST_WAIT = 20.0
"""Seconds a batch waits in place for a busy provider; a longer wait is the job queue's business."""

_VERSIONED = re.compile(r"/v\d+[a-z0-9]*(/|$)")
_TRANSIENT = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class OpenAICompatible:
    """A model behind HTTP. After 429 the whole batch is sent again, when the provider said to come back."""

    provider: ClassVar[str] = "openai_compatible"

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        batch: int = 64,
        timeout: float = 30,
        query_prefix: str = "",
        passage_prefix: str = "",
    ) -> None:
        self.name = model
        self.dimensions: int | None = None
        self._url = endpoint(base_url)
        self._batch = batch
        self._query_prefix = query_prefix
        self._passage_prefix = passage_prefix
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout = timeout
        self._client = httpx.AsyncClient(timeout=timeout, headers=headers, trust_env=False)

    async def embed_passages(self, texts: Sequence[str]) -> list[HalfVector]:
        """One vector for each text, in order; sent in batches, one at a time."""
        prefixed = [f"{self._passage_prefix}{text}" for text in texts]
        batches = (prefixed[i : i + self._batch] for i in range(0, len(prefixed), self._batch))
        return [vector for batch in batches for vector in await self._patiently(batch)]

    async def embed_query(self, text: str) -> HalfVector:
        """The vector of a question. One attempt: somebody is waiting."""
        return (await self._once([f"{self._query_prefix}{text}"]))[0]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _patiently(self, texts: list[str]) -> list[HalfVector]:
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._once(texts)
            except _Busy as busy:
                if busy.wait > LONGEST_WAIT:
                    raise
                await asyncio.sleep(busy.wait)
        return await self._once(texts)

    async def _once(self, texts: list[str]) -> list[HalfVector]:
        vectors = _vectors(await self._post(texts), len(texts))
        self.dimensions = check_dimensions(vectors, self.dimensions)
        return vectors

    async def _post(self, texts: list[str]) -> Any:
        body = {"model": self.name, "input": texts, "encoding_format": "float"}
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.post(self._url, json=body)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise unavailable("The embedding provider did not answer.") from error
        _refuse(response)
        try:
            return response.json()
        except ValueError as error:
            raise rejected("The embedding provider answered something that is not JSON.") from error


class _Busy(JobError):
    """The provider asks for `wait` seconds of peace."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            "embedding_unavailable",
            "The embedding provider is busy.",
            retryable=True,
            retry_after=wait,
        )
        self.wait = wait


def endpoint(base_url: str) -> str:
    """Where to post, whether or not the base names a version or the whole path."""
    base = base_url.rstrip("/").removesuffix("/embeddings").rstrip("/")
    return f"{base}/embeddings" if _VERSIONED.search(base) else f"{base}/v1/embeddings"


def _refuse(response: httpx.Response) -> None:
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise _Busy(_retry_after(response.headers.get("Retry-After", "")))
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise unavailable(f"The embedding provider failed (HTTP {status}).")
    if status != HTTPStatus.OK:
        raise rejected(f"The embedding provider refused the request (HTTP {status}).")


def _retry_after(header: str) -> float:
    """Seconds to wait, from either form of the header (RFC 9110, 10.2.3); 1 when it says nothing usable."""
    with suppress(ValueError, OverflowError):
        return min(max(float(int(header)), 0.0), 3600.0)
    with suppress(ValueError, TypeError, OverflowError):
        wait = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        return min(max(wait, 0.0), 3600.0)
    return 1.0


def _vectors(answer: Any, count: int) -> list[HalfVector]:
    try:
        items = {item["index"]: item["embedding"] for item in answer["data"]}
        vectors = [items[index] for index in range(count)]
    except (KeyError, TypeError) as error:
        raise rejected("The embedding provider did not answer with one vector for each text.") from error
    if len(answer["data"]) != count or not all(isinstance(vector, list) and vector for vector in vectors):
        raise rejected("The embedding provider did not answer with one vector for each text.")
    return [unit(vector) for vector in vectors]

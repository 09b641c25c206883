"""A web site of the tests' own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from core.errors import JobError
from worker_service.documents.fetch import Fetched, FetchLimits, fetch

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await writer.drain()

    return answer


def raw(*pieces: bytes, pause: float = 0) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


class Site:
    """A real HTTP server on loopback whose pages the test writes."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.requests: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(request)
            path = request.split(" ", 2)[1]
            await self.pages.get(path, reply(404))(writer)
        writer.close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def limits(self, **values: object) -> FetchLimits:
        allowed = frozenset({f"127.0.0.1:{self.port}", f"site.example:{self.port}"})
        return FetchLimits(**{"allowed_hosts": allowed, "timeout_seconds": 5, "max_bytes": 100_000, **values})

    async def get(self, path: str, **values: object) -> Fetched:
        return await fetch(self.url(path), limits=self.limits(**values))

    async def refusal(self, path: str, **values: object) -> JobError:
        with pytest.raises(JobError) as refusal:
            await self.get(path, **values)
        return refusal.value

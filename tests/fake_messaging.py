"""An Evolution API on 127.0.0.1 that takes what it is sent, and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    status: int = 201
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeApi:
    """What was posted, in order; `answers` are given first to last, then an ordinary success."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    posted: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)

    @property
    def place(self) -> str:
        """`host:port`, as the allow-list takes it."""
        return self.url.removeprefix("http://")

    def texts(self, number: str | None = None) -> list[str]:
        """The texts that were posted through the Evolution API, to this number."""
        return [body["text"] for _, _, body in self.posted if number in {None, body["number"]}]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.posted.append((first.split(" ")[1], headers, body))
            await self._answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        number = len(self.posted)
        answer = self.answers.pop(0) if self.answers else Answer()
        body = answer.body if answer.body is not None else {"key": {"id": f"W{number}"}}
        packed = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        head = [f"HTTP/1.1 {answer.status} X", f"Content-Length: {len(packed)}", "Connection: close"]
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*head, "", ""]).encode() + packed)
        await writer.drain()


@asynccontextmanager
async def fake_api(*answers: Answer) -> AsyncIterator[FakeApi]:
    fake = FakeApi(answers=list(answers))
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()

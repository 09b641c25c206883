"""A language model's server on 127.0.0.1 that behaves, or misbehaves, as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Script = Callable[["Exchange"], Awaitable[None]]


@dataclass
class Exchange:
    body: dict[str, Any]
    headers: dict[str, str]
    path: str
    writer: asyncio.StreamWriter

    async def respond(self, status: int, body: str = "{}", content_type: str = "application/json") -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body.encode())}"
        await self.write(f"{head}\r\nConnection: close\r\n\r\n{body}")

    async def open_stream(self) -> None:
        await self.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")

    async def say(self, text: str, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        await self.write(f"data: {json.dumps({'choices': [choice]})}\n\n")

    async def write(self, text: str) -> None:
        self.writer.write(text.encode())
        await self.writer.drain()


@dataclass
class FakeLLM:
    url: str = ""
    scripts: dict[str, Script] = field(default_factory=dict)
    default: Script | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.asked.append(body)
            self.headers.append(headers)
            script = self.scripts.get(body["model"], self.default)
            assert script is not None
            await script(Exchange(body, headers, first.split(" ")[1], writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def saying(text: str, *, usage: tuple[int, int] = (11, 7), size: int = 5) -> Script:
    """Streams `text` in pieces of `size` characters, then the usage and [DONE]."""

    async def script(exchange: Exchange) -> None:
        await exchange.open_stream()
        for at in range(0, len(text), size):
            await exchange.say(text[at : at + size])
        await exchange.say("", finish="stop")
        counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
        await exchange.write(f"data: {json.dumps({'choices': [], 'usage': counted})}\n\ndata: [DONE]\n\n")

    return script


def failing(status: int) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.respond(status, '{"error": {"message": "no"}}')

    return script


def cut_after(text: str) -> Script:
    """Says `text` and closes the connection without an end."""

    async def script(exchange: Exchange) -> None:
        await exchange.open_stream()
        if text:
            await exchange.say(text)

    return script


def garbage(body: str) -> Script:
    async def script(exchange: Exchange) -> None:
        await exchange.open_stream()
        await exchange.write(body)

    return script


async def hanging(_exchange: Exchange) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def fake_llm(default: Script | None = None) -> AsyncIterator[FakeLLM]:
    fake = FakeLLM(default=default)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    tasks_before = asyncio.all_tasks()
    try:
        yield fake
    finally:
        server.close()
        for task in asyncio.all_tasks() - tasks_before:
            if "serve" in repr(task.get_coro()):
                task.cancel()

"""An embeddings server on 127.0.0.1 that answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class FakeProvider:
    """`answers` are (status, headers, body) used up in order; then vectors of `dimensions` are served."""

    answers: list[tuple[int, str, bytes] | None] = field(default_factory=list)
    dimensions: int = 3
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.requests.append({"line": head.split("\r\n")[0], "headers": headers, **body})
        answer = self.answers.pop(0) if self.answers else (200, "", self.vectors(body["input"]))
        if answer is None:  # hang
            await reader.read()
        else:
            status, more, content = answer
            writer.write(
                f"HTTP/1.1 {status} X\r\n{more}Content-Length: {len(content)}\r\n\r\n".encode() + content
            )
        writer.close()

    def vectors(self, texts: list[str]) -> bytes:
        data = [
            {"index": i, "embedding": [float(len(text)), 1.0, *[0.0] * (self.dimensions - 2)]}
            for i, text in enumerate(texts)
        ]
        return json.dumps({"data": data[::-1]}).encode()


@asynccontextmanager
async def fake_provider() -> AsyncIterator[FakeProvider]:
    provider = FakeProvider()
    server = await asyncio.start_server(provider.handle, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()

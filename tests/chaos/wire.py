"""A client that costs next to nothing: one request at a time over one kept-alive connection, in raw bytes."""

import asyncio
import json
from typing import Any, NamedTuple


class Broken(Exception):
    """The connection was refused or cut before an answer was complete: nobody knows what was done."""


class Answer(NamedTuple):
    """Its status, and the body as JSON."""

    status: int
    body: dict[str, Any]


class Wire:
    """A connection to one port, made anew whenever it broke."""

    def __init__(self, port: int, patience: float) -> None:
        self._port, self._patience = port, patience
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """The answer. Raises Broken."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._ask(request)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise Broken from error

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _ask(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length))
        if b"connection: close" in head:
            self.close()
        return Answer(int(head[9:12]), json.loads(body))


def post(path: str, key: str, body: object) -> bytes:
    """The bytes of a request."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content

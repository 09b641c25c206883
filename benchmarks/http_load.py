"""A client as cheap as can be, so that what is measured is the server. Connections are kept alive."""

import asyncio
import json
from collections.abc import Iterator
from time import perf_counter
from typing import Any


async def rate(
    port: int, path: str, key: str, bodies: Iterator[Any], *, connections: int, seconds: float
) -> float:
    """Requests answered a second, over so many connections for so long. Raises when one is refused."""
    started = perf_counter()
    waits = await latencies(port, path, key, bodies, connections=connections, seconds=seconds)
    return len(waits) / (perf_counter() - started)


async def latencies(
    port: int, path: str, key: str, bodies: Iterator[Any], *, connections: int, seconds: float
) -> list[float]:
    """How long each answer took, in seconds. Raises when one is refused."""
    until = perf_counter() + seconds
    waits = await asyncio.gather(*(_ask(port, path, key, bodies, until) for _ in range(connections)))
    return [wait for one in waits for wait in one]


async def _ask(port: int, path: str, key: str, bodies: Iterator[Any], until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits = []
    while perf_counter() < until:
        request = _request(path, key, json.dumps(next(bodies)).encode())
        asked = perf_counter()
        writer.write(request)
        await _answer(reader)
        waits.append(perf_counter() - asked)
    writer.close()
    return waits


def _request(path: str, key: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    body = await reader.readexactly(length)
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")):
        raise RuntimeError(f"refused: {body.decode()}")

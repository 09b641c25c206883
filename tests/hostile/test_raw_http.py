"""What no HTTP client would send: bytes on a socket of a real server process."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.apikeys import MintedKey
from core.db import Database
from ops.embedded.redis import free_port
from tests.api import make_key

POST = b"POST /ingest HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"

WEBSOCKET = (
    b"GET /ingest HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MESSAGES = [
    b"GARBAGE\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"\x00" * 100,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /health\r\n\r\n",
    b"GET /health HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET /health HTTP/1.1\r\n\r\n",
    b"GET  /health HTTP/1.1\r\nHost: a\r\n\r\n",
    b"get /health http/1.1\r\nHost: a\r\n\r\n",
    b"GET http://elsewhere/health HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /docs/assets/../../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /docs/assets/..%2f..%2f..%2fetc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nname : value\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nname: a\x00b\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nname: a\r\n folded\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nname: " + b"a" * 60_000 + b"\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"name: a\r\n" * 2_000 + b"\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
    WEBSOCKET,
    b"GET /health HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE AFTER\r\n\r\n",
    POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ",
    POST + b"Content-Length: -1\r\n\r\n{}",
    POST + b"Content-Length: 99999999999999999999999999\r\n\r\n{}",
    POST + b"Content-Length: abc\r\n\r\n{}",
    POST + b"Content-Length: 50000000\r\n\r\n{}",
    POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"a" * 50_000 + b"\r\n{}\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: gzip\r\n\r\n{}",
    POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    POST + b"Expect: the unexpected\r\nContent-Length: 2\r\n\r\n{}",
    POST + b"Content-Length: 2\r\n\r\n{}POST /ingest HTTP/1.1\r\n\r\n",
]


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture
async def server(port: int, database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """The ingestion service as production starts it; nothing it meets may end in its log as an error."""
    command = [sys.executable, "-m", "uvicorn", "ingestion_service.main:app", "--port", str(port)]
    quiet = ["--no-server-header", "--no-access-log", "--log-level", "error"]
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "COGEP_LOG_LEVEL": "ERROR"}
    log, environment = tmp_path / "server.log", {**os.environ, **servers}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, *quiet, env=environment, stdout=output, stderr=output
        )
    base = f"http://127.0.0.1:{port}"
    try:
        await until_ready(base, process)
        yield base
        assert process.returncode is None, "the server died"
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 20)
    assert log.read_text() == ""


async def until_ready(base: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(300):
            assert process.returncode is None, "the server did not start"
            try:
                if (await client.get(f"{base}/ready")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    raise AssertionError("the server is not ready")


async def exchange(port: int, message: bytes) -> bytes:
    """All the server says to these bytes, until it hangs up or has nothing more to say."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(message)
        await writer.drain()
        answer = b""
        while piece := await asyncio.wait_for(reader.read(65536), 0.4):
            answer += piece
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return answer


async def test_malformed_http_is_refused_and_the_server_lives(
    server: str, port: int, database: Database
) -> None:
    key: MintedKey = await make_key(database)
    for message in MESSAGES:
        filled = message.replace(b"%s", key.plaintext.encode(), 1)
        status = (await exchange(port, filled)).partition(b"\r\n")[0]
        assert b" 5" not in status[:12], (status, message[:120])
    async with httpx.AsyncClient(base_url=server, trust_env=False) as client:
        answer = await client.get("/health")
        assert answer.status_code == 200
        assert "server" not in answer.headers


async def test_a_client_that_hangs_up_leaves_nothing_behind(
    server: str, port: int, database: Database
) -> None:
    key = (await make_key(database)).plaintext
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=server, headers=headers, trust_env=False) as client:
        job = (await client.post("/ingest", json={"text": "a"})).json()["id"]
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /ingest/%s/events HTTP/1.1\r\nHost: a\r\n" % job.encode())
            writer.write(b"Authorization: Bearer %s\r\n\r\n" % key.encode())
            await writer.drain()
            writer.close()
        for _ in range(100):
            metrics = (await client.get("/metrics")).text
            if "http_requests_in_flight 1.0" in metrics:
                return
            await asyncio.sleep(0.1)
    raise AssertionError("streams of clients that are gone are still served")

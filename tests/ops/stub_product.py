import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from core import apikeys

KEY = apikeys.mint("test").plaintext
Answer = tuple[int, Any]


def job(identifier: str, status: str, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "status": status, "source": f"{identifier}.txt", "error": None, **more}


@dataclass
class Product:
    """What the small real HTTP server below answers in the place of both APIs, and what it was asked."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    def on(self, request: str, *answers: Answer) -> None:
        """The answers to `request`, in turn; the last one stays."""
        self.answers[request] = list(answers)

    def take(self, method: str, path: str, body: bytes, key: str | None) -> Answer:
        self.asked.append((method, path, body))
        self.keys.append(key)
        queue = self.answers.get(f"{method} {urlsplit(path).path}", [(404, {"detail": "não há isso aqui"})])
        return queue.pop(0) if len(queue) > 1 else queue[0]


@contextmanager
def serving(prepared: Product) -> Iterator[str]:
    """The base URL of a server that answers what was prepared."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, content = prepared.take(self.command, self.path, body, self.headers.get("Authorization"))
            encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(encoded)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(encoded)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

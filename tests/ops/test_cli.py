import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core import apikeys
from ops.cli import main
from ops.embedded.redis import free_port

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


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    prepared = Product()

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
    base = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("COGEP_INGESTION_URL", base)
    monkeypatch.setenv("COGEP_AGENT_URL", base)
    monkeypatch.setenv("COGEP_API_KEY", KEY)
    monkeypatch.setenv("COGEP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    yield prepared
    server.shutdown()
    server.server_close()


@pytest.fixture
def cogep(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["cogep", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        assert isinstance(code, int | None)
        return code or 0

    return run


Run = Callable[..., int]
Captured = pytest.CaptureFixture[str]


def test_a_folder_is_sent_and_watched_until_searchable(
    product: Product, cogep: Run, capsys: Captured
) -> None:
    Path("docs/deep").mkdir(parents=True)
    for name in ("docs/a.md", "docs/deep/b.txt", "docs/.hidden", "docs/deep/.git"):
        Path(name).write_text("olá")
    product.on("POST /ingest/file", (202, job("1", "PENDING")), (202, job("2", "COMPLETED")))
    product.on("GET /ingest/1", (200, job("1", "PROCESSING")), (200, job("1", "COMPLETED")))
    assert (
        cogep("ingest", "docs", "--namespace", "rh", "--metadata", '{"setor": "RH"}', "--priority", "7") == 0
    )
    assert "2 documento(s) pesquisável(is), 0 falha(s)." in capsys.readouterr().out
    sent = [body for method, _, body in product.asked if method == "POST"]
    assert [b'filename="a.md"' in sent[0], b'filename="b.txt"' in sent[1], len(sent)] == [True, True, 2]
    assert b"file:docs/deep/b.txt" in sent[1]
    assert all(part in sent[0] for part in (b"rh", b'{"setor": "RH"}', b"\r\n7\r\n"))
    assert set(product.keys) == {f"Bearer {KEY}"}


def test_an_api_that_restarts_is_waited_for(product: Product, cogep: Run) -> None:
    Path("a.txt").write_text("x")
    product.on("POST /ingest/file", (202, job("1", "PENDING")))
    product.on("GET /ingest/1", (500, {}), (500, {}), (200, job("1", "COMPLETED")))
    assert cogep("ingest", "a.txt") == 0


def test_a_url_is_sent_as_a_source(product: Product, cogep: Run) -> None:
    product.on("POST /ingest", (202, job("1", "COMPLETED")))
    assert cogep("ingest", "https://exemplo.org/x", "--title", "X") == 0
    assert json.loads(product.asked[0][2]) == {
        "source_uri": "https://exemplo.org/x",
        "namespace": "default",
        "title": "X",
    }


def test_what_fails_is_listed_and_the_rest_goes_on(product: Product, cogep: Run, capsys: Captured) -> None:
    for name in ("bad.pdf", "big.pdf", "good.txt"):
        Path(name).write_text("x")
    failed = job("1", "FAILED", error={"code": "encrypted", "detail": "O PDF tem [senha]."})
    too_big = (413, {"detail": "grande demais", "code": "too_large"})
    product.on("POST /ingest/file", (202, failed), too_big, (202, job("3", "COMPLETED")))
    assert cogep("ingest", "bad.pdf", "big.pdf", "nowhere.txt", "good.txt") == 1
    said = capsys.readouterr()
    assert "1 documento(s) pesquisável(is), 3 falha(s)." in said.out
    for expected in ("O PDF tem [senha]. (encrypted)", "grande demais", "nowhere.txt", "não existe"):
        assert expected in said.err


def test_without_waiting_a_queued_job_is_enough(product: Product, cogep: Run, capsys: Captured) -> None:
    Path("a.txt").write_text("x")
    product.on("POST /ingest/file", (202, job("1", "PENDING")))
    assert cogep("ingest", "--no-wait", "a.txt") == 0
    assert "1 documento(s) na fila" in capsys.readouterr().out
    assert len(product.asked) == 1


def test_a_busy_server_is_asked_again_with_the_whole_file(product: Product, cogep: Run) -> None:
    Path("a.txt").write_text("whole")
    product.on("POST /ingest/file", (503, {}), (429, {}), (202, job("1", "COMPLETED")))
    assert cogep("ingest", "a.txt") == 0
    assert [b"whole" in body for _, _, body in product.asked] == [True] * 3


@pytest.mark.parametrize("metadata", ["[1]", "{", "texto"])
def test_metadata_must_be_an_object(product: Product, cogep: Run, capsys: Captured, metadata: str) -> None:
    assert cogep("ingest", "x", "--metadata", metadata) == 2
    assert "objeto JSON" in capsys.readouterr().err
    assert product.asked == []


def test_an_answer_comes_with_numbered_sources(product: Product, cogep: Run, capsys: Captured) -> None:
    citation = {
        "number": 1,
        "document_title": "Horários",
        "source": "horarios.md",
        "quote": "das 8h\n às 18h",
    }
    product.on(
        "POST /chat", (200, {"answer": "Das 8h às 18h [1].", "abstained": False, "citations": [citation]})
    )
    assert cogep("ask", "Qual o horário?", "--namespace", "rh") == 0
    assert capsys.readouterr().out == (
        "Das 8h às 18h [1].\n\nFontes\n[1] Horários — horarios.md\n    “das 8h às 18h”\n"
    )
    assert json.loads(product.asked[0][2]) == {"question": "Qual o horário?", "namespace": "rh"}


def test_an_abstention_shows_no_sources(product: Product, cogep: Run, capsys: Captured) -> None:
    product.on("POST /chat", (200, {"answer": "Não encontrei.", "abstained": True, "citations": []}))
    assert cogep("ask", "?") == 0
    assert capsys.readouterr().out == "Não encontrei.\n"


def test_the_queue_shows_counts_the_oldest_and_failures(
    product: Product, cogep: Run, capsys: Captured
) -> None:
    counts = {"PENDING": 3, "PROCESSING": 1, "COMPLETED": 10, "FAILED": 1}
    product.on("GET /ingest/stats", (200, {"counts": counts, "oldest_pending_seconds": 5400}))
    failed = job("9", "FAILED", error={"code": "not_found", "detail": "404"})
    product.on("GET /ingest", (200, {"items": [failed], "next_cursor": None}))
    assert cogep("queue") == 0
    said = capsys.readouterr().out
    assert "espera há 1,5 h" in said
    assert "404 (not_found)" in said
    assert [line.split() for line in said.splitlines() if line.startswith("na fila")] == [["na", "fila", "3"]]


def test_retry_of_all_walks_every_page(product: Product, cogep: Run, capsys: Captured) -> None:
    first = (200, {"items": [job("1", "FAILED")], "next_cursor": "c2"})
    product.on("GET /ingest", first, (200, {"items": [job("2", "FAILED")], "next_cursor": None}))
    product.on("POST /ingest/1/retry", (202, {}))
    product.on("POST /ingest/2/retry", (202, {}))
    assert cogep("retry", "--failed") == 0
    assert "2 trabalho(s)" in capsys.readouterr().out
    assert parse_qs(urlsplit(product.asked[1][1]).query)["cursor"] == ["c2"]


@pytest.mark.parametrize("arguments", [("retry",), ("retry", "1", "--failed")])
def test_retry_wants_one_or_all(product: Product, cogep: Run, arguments: tuple[str, ...]) -> None:
    assert cogep(*arguments) == 2
    assert product.asked == []


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, {"detail": "no"}, "A chave de API não foi aceita"),
        (404, {"title": "Not Found", "detail": "não há esse trabalho"}, "não há esse trabalho"),
        (502, b"<html>", "A API respondeu 502."),
        (500, ["?"], "A API respondeu 500."),
    ],
)
def test_a_refusal_is_a_sentence(
    product: Product, cogep: Run, capsys: Captured, status: int, body: Any, sentence: str
) -> None:
    product.on("POST /ingest/1/retry", (status, body))
    assert cogep("retry", "1") == 1
    said = capsys.readouterr()
    assert sentence in said.err
    assert "Traceback" not in said.err + said.out


def test_nobody_there_is_a_sentence(
    product: Product, cogep: Run, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COGEP_AGENT_URL", f"http://127.0.0.1:{free_port()}")
    assert cogep("ask", "?") == 1
    assert "Inicie com `cogep up`" in capsys.readouterr().err
    assert product.asked == []


@pytest.mark.parametrize("key", ["cgp_errada", "chave\nX-Outro: 1", "ção"])
def test_what_is_no_key_is_not_sent(
    product: Product, cogep: Run, capsys: Captured, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("COGEP_API_KEY", key)
    assert cogep("queue") == 1
    assert "COGEP_API_KEY" in capsys.readouterr().err
    assert product.asked == []


def test_the_admin_key_of_the_data_folder_is_found(
    product: Product, cogep: Run, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.delenv("COGEP_API_KEY")
    product.on("POST /chat", (200, {"answer": "sim", "citations": []}))
    assert cogep("ask", "?") == 1
    assert "Não há chave de API" in capsys.readouterr().err
    Path("data").mkdir()
    Path("data/admin-key").write_text(KEY + "\n")
    assert cogep("ask", "?") == 0
    assert product.keys == [f"Bearer {KEY}"]


def test_a_wrong_setting_is_named(cogep: Run, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COGEP_AGENT_PORT", "oito mil")
    assert cogep("status") == 1
    assert "agent_port" in capsys.readouterr().err


@pytest.mark.usefixtures("product")
def test_status_without_anything_running(cogep: Run, capsys: Captured) -> None:
    assert cogep("status") == 1
    said = capsys.readouterr().out
    assert "o banco está parado" in said
    assert not Path("data").exists()


def test_status_with_both_apis_ready(
    product: Product, cogep: Run, capsys: Captured, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    product.on("GET /ready", (200, {}))
    product.on("GET /ingest/stats", (200, {"counts": {"PENDING": 2}}))
    assert cogep("status") == 0
    said = capsys.readouterr().out
    assert "o mais novo" in said
    assert "2 na fila" in said

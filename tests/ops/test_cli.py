import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ops.embedded.redis import free_port
from tests.ops.stub_product import KEY, Product, job

Run = Callable[..., int]
Captured = pytest.CaptureFixture[str]


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

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ops.stub_product import KEY, Product, job

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

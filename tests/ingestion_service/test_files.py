import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core.db import Database
from ingestion_service.documents.intake import MAX_FILENAME, file_name, media_type


async def upload(
    client: httpx.AsyncClient, content: bytes, name: str = "a.txt", **fields: str
) -> httpx.Response:
    return await client.post("/ingest/file", files={"file": (name, content)}, data=fields)


async def test_a_file_becomes_a_job(client: httpx.AsyncClient, database: Database) -> None:
    metadata = json.dumps({"setor": "RH"})
    answer = await upload(
        client, b"%PDF-1.7 ...", "Regimento.pdf", metadata=metadata, title="Regimento", priority="3"
    )
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["kind"], job["source"], job["title"]) == ("document.file", "file:Regimento.pdf", "Regimento")
    async with database.transaction() as session:
        row = (
            await session.execute(
                text("SELECT p.*, b.data FROM ai.ingestion_payload p JOIN ai.blobs b ON sha256 = blob_sha256")
            )
        ).one()
    assert (row.data, row.filename, row.media_type) == (b"%PDF-1.7 ...", "Regimento.pdf", "application/pdf")
    assert row.metadata == {"setor": "RH"}


async def test_a_repeat_of_a_file_answers_with_its_job(client: httpx.AsyncClient) -> None:
    first = (await upload(client, b"a")).json()["id"]
    assert (await upload(client, b"a")).json()["id"] == first
    assert (await upload(client, b"b")).json()["id"] != first
    keyed = [await upload(client, b"a", idempotency_key="k") for _ in range(2)]
    assert keyed[0].json()["id"] == keyed[1].json()["id"] != first


@pytest.mark.parametrize(
    ("content", "fields", "status", "code"),
    [
        (b"", {}, 422, "empty_file"),
        (b"\x7fELF....", {}, 415, "file_type_refused"),
        (b"MZ\x90\x00", {}, 415, "file_type_refused"),
        (b"\x89PNG\r\n", {}, 415, "file_type_refused"),
        (b"a", {"metadata": "{"}, 422, "validation_failed"),
        (b"a", {"metadata": "[]"}, 422, "validation_failed"),
        (b"a", {"metadata": '{"a": NaN}'}, 422, "validation_failed"),
        (b"a", {"metadata": '{"a": "\\u0000"}'}, 422, "validation_failed"),
        (b"a", {"metadata": '{"a": "\\ud800"}'}, 422, "validation_failed"),
        (b"a", {"metadata": "[" * 90_000}, 422, "validation_failed"),
        (b"a", {"priority": "x"}, 422, "validation_failed"),
        (b"a", {"run_at": "tomorrow"}, 422, "validation_failed"),
        (b"a", {"unknown": "x"}, 422, "validation_failed"),
        (b"a", {"title": "x" * 200_000}, 400, "malformed_request"),
        (b"x" * 25_000_001, {}, 413, "body_too_large"),
    ],
)
async def test_a_bad_upload_is_a_problem(
    client: httpx.AsyncClient,
    database: Database,
    content: bytes,
    fields: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = await upload(client, content, **fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM ai.ingestion_payload")) == 0
        assert await session.scalar(text("SELECT count(*) FROM ai.blobs")) == 0


async def test_a_form_without_a_file_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.post("/ingest/file", data={"file": "text"}, files={"other": b""})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("C:\\fakepath\\Ata.pdf", "Ata.pdf"),
        ("/etc/passwd\x00.pdf", "passwd.pdf"),
        ("Ata de reunião.pdf", "Ata de reunião.pdf"),
        ("..", "unnamed"),
        (".", "unnamed"),
        ("", "unnamed"),
        ("/", "unnamed"),
        ("\u202egpj.exe", "gpj.exe"),
        ("a\r\nb.txt", "ab.txt"),
    ],
)
def test_a_file_name_is_a_base_name(given_name: str, name: str) -> None:
    assert file_name(given_name) == name


@given(st.text())
def test_no_file_name_is_a_path(name: str) -> None:
    cleaned = file_name(name)
    assert cleaned
    assert len(cleaned) <= MAX_FILENAME
    assert not {"/", "\\", "\0"} & set(cleaned)
    assert cleaned not in {".", ".."}
    assert cleaned.isprintable()


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("Application/PDF; x=y", "application/pdf"),
        ("nonsense", None),
        (None, None),
        ("a/" + "b" * 101, None),
        ("a/b\x00", None),
    ],
)
def test_a_declared_type_is_a_hint_or_nothing(declared: str | None, kept: str | None) -> None:
    assert media_type(declared) == kept


async def test_hostile_names_reach_no_path(client: httpx.AsyncClient) -> None:
    answer: Any = await upload(client, b"a", "../../etc/passwd")
    assert answer.json()["source"] == "file:passwd"

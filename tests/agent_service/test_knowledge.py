from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.apikeys import Scope
from core.db import Database
from core.ids import uuid7
from core.models import Document

Seed = Callable[..., Awaitable[Document]]
Mint = Callable[..., Awaitable[str]]

BODY = "O prazo de matrícula termina em março. 😀 Acentuação é preservada.\n\nA taxa custa R$ 50,00."


async def test_passages_are_exact_spans(client: httpx.AsyncClient, seed: Seed) -> None:
    document = await seed(BODY, title="Matrícula")
    found = (await client.post("/retrieve", json={"query": "prazo da matricula"})).json()
    assert found["mode"] == "hybrid"
    first = found["passages"][0]
    assert first["document_id"] == str(document.public_id)
    assert first["text"] == BODY[first["start"] : first["end"]]
    assert (first["source"], first["version"], first["header"]) == (document.source, 1, "Matrícula")
    assert found["coverage"] == max(passage["coverage"] for passage in found["passages"])


async def test_top_k_and_namespaces_bound_the_result(client: httpx.AsyncClient, seed: Seed) -> None:
    for number in range(4):
        await seed(f"A taxa número {number} custa caro.", namespace="taxas")
    body = {"query": "taxa", "namespace": "taxas"}
    assert len((await client.post("/retrieve", json={**body, "top_k": 3})).json()["passages"]) == 3
    assert (await client.post("/retrieve", json={"query": "taxa"})).json()["passages"] == []


BAD_SEARCHES = [
    {},
    {"query": ""},
    {"query": "a", "top_k": 0},
    {"query": "a", "top_k": 51},
    {"query": "a", "top_k": 1.5},
    {"query": "a", "top_k": 10**30},
    {"query": "a", "namespace": "../x"},
    {"query": "a", "filters": {"metadata": {"a": {"b": "\u0000"}}}},
    {"query": None},
]


async def test_bad_searches_are_refused(client: httpx.AsyncClient) -> None:
    for body in BAD_SEARCHES:
        response = await client.post("/retrieve", json=body)
        assert response.status_code == 422
        assert response.json()["code"] == "validation_failed"


async def test_pages_hold_each_document_once(client: httpx.AsyncClient, seed: Seed) -> None:
    made = [str((await seed(f"Texto {number}.", title=f"Título {number}")).public_id) for number in range(5)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/documents", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == made[::-1]


FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({"q": "100%"}, ["Reajuste de 100%"]),
    ({"q": "_"}, ["nome_de_arquivo"]),
    ({"q": "REAJUSTE"}, ["Reajuste de 100%"]),
    ({"q": "\\"}, []),
    ({"namespace": "outro"}, ["Alheio"]),
    ({"namespace": "nenhum"}, []),
]


async def test_filters_take_words_literally(client: httpx.AsyncClient, seed: Seed) -> None:
    await seed("Um.", title="Reajuste de 100%")
    await seed("Dois.", title="nome_de_arquivo")
    await seed("Três.", title="Alheio", namespace="outro")
    for query, titles in FILTERS:
        page = (await client.get("/documents", params=query)).json()
        assert [item["title"] for item in page["items"]] == titles


BAD_LISTS = [{"cursor": "x"}, {"cursor": ""}, {"limit": "0"}, {"limit": "101"}, {"x": "1"}, {"q": ""}]


async def test_bad_lists_are_refused(client: httpx.AsyncClient) -> None:
    for query in BAD_LISTS:
        assert (await client.get("/documents", params=query)).status_code == 422, query


async def test_a_document_and_its_text(client: httpx.AsyncClient, seed: Seed) -> None:
    document = await seed(BODY, title="Matrícula", metadata={"setor": "secretaria"})
    path = f"/documents/{document.public_id}"
    detail = (await client.get(path)).json()
    assert (detail["title"], detail["metadata"]) == ("Matrícula", {"setor": "secretaria"})
    assert (detail["version"], detail["length"], detail["chunks"]) == (1, len(BODY), 2)
    assert (await client.get(f"{path}/text")).json()["text"] == BODY
    versions = (await client.get(f"{path}/versions")).json()["items"]
    assert [(one["version"], one["current"]) for one in versions] == [(1, True)]


@pytest.mark.parametrize("end", ["", "/text", "/versions", "/text?version=2"])
async def test_what_is_not_there(client: httpx.AsyncClient, seed: Seed, end: str) -> None:
    known = (await seed(BODY)).public_id if "version=2" in end else uuid7()
    response = await client.get(f"/documents/{known}{end}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_bad_versions(client: httpx.AsyncClient, seed: Seed) -> None:
    document = await seed(BODY)
    for version in ["0", "x", "-1", "99999999999999999999", "1.5"]:
        path = f"/documents/{document.public_id}/text?version={version}"
        assert (await client.get(path)).status_code == 422


async def test_deleting_leaves_no_trace_in_the_index(
    client: httpx.AsyncClient, seed: Seed, mint: Mint, database: Database
) -> None:
    kept = await seed("A biblioteca abre cedo.", title="Biblioteca")
    before = await _statistics(database)
    doomed = await seed("A cantina abre tarde e fecha cedo.", title="Cantina")
    question = {"question": "Quando a cantina abre?"}
    cited = (await client.post("/chat", json=question)).json()
    assert cited["citations"][0]["document_id"] == str(doomed.public_id)

    admin = {"Authorization": f"Bearer {await mint(Scope.ADMIN)}"}
    path = f"/documents/{doomed.public_id}"
    assert (await client.delete(path)).status_code == 403
    assert (await client.delete(path, headers=admin)).status_code == 204
    assert (await client.delete(path, headers=admin)).status_code == 404
    assert (await client.get(path)).status_code == 404
    assert await _statistics(database) == before
    assert await _audited(database, f"document/{doomed.public_id}") == ["document.deleted"]
    found = (await client.post("/retrieve", json={"query": "cantina cedo"})).json()["passages"]
    assert {passage["document_id"] for passage in found} == {str(kept.public_id)}
    listed = (await client.get("/namespaces")).json()["items"]
    assert [(one["name"], one["documents"], one["chunks"]) for one in listed] == [("default", 1, 1)]

    quotes = (await client.get(f"/chat/{cited['id']}")).json()["citations"]
    assert [one["quote"] for one in quotes] == [one["quote"] for one in cited["citations"]]


async def _statistics(database: Database) -> list[tuple[Any, ...]]:
    async with database.transaction() as session:
        terms = await session.execute(
            text("SELECT term, document_frequency FROM ai.terms WHERE document_frequency > 0 ORDER BY term")
        )
        totals = await session.execute(text("SELECT name, chunk_count, term_total FROM ai.namespaces"))
        return [tuple(row) for row in (*terms, *totals)]


async def _audited(database: Database, subject: str) -> list[str]:
    async with database.transaction() as session:
        actions = text("SELECT action FROM ops.audit_log WHERE subject = :subject ORDER BY id")
        return list(await session.scalars(actions, {"subject": subject}))

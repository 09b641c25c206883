import re

import httpx
from fastapi import FastAPI

from core.web.docs import for_swagger_ui


async def test_the_page_loads_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert "'unsafe-inline'" not in page.headers["content-security-policy"].partition("style-src")[0]
    assert "<script>" not in page.text
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) == 4
    for address in linked:
        assert not address.startswith(("http", "//"))
        assert (await client.get(f"/{address}")).status_code == 200, address
        assert (await client.get(f"/api/v1/{address}")).status_code == 200, address


async def test_other_documentation_is_off(client: httpx.AsyncClient) -> None:
    assert (await client.get("/redoc")).status_code == 404


async def test_the_document_says_3_1_and_the_page_gets_3_0(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.1")
    assert (await client.get("/docs/openapi.json")).json()["openapi"] == "3.0.3"


async def test_versioned_addresses_are_not_in_the_document(app: FastAPI) -> None:
    assert not [path for path in app.openapi()["paths"] if path.startswith("/api")]


def test_3_1_words_become_3_0_words() -> None:
    schema = {
        "a": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "A"},
        "b": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        "c": {"const": "x"},
        "d": {"examples": [1, 2]},
        "e": [{"anyOf": [{"type": "string"}]}],
    }
    assert for_swagger_ui(schema) == {
        "openapi": "3.0.3",
        "a": {"type": "string", "nullable": True, "title": "A"},
        "b": {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        "c": {"enum": ["x"]},
        "d": {"example": 1},
        "e": [{"anyOf": [{"type": "string"}]}],
    }

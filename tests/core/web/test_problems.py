import importlib
from collections import defaultdict

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from core.errors import DomainError
from core.settings import Settings
from core.web.app import create_app
from core.web.problems import Problem, descendants, registry

CANARY = "canary-5f1d"


def assert_problem(answer: httpx.Response, status: int, code: str) -> Problem:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate(answer.json())
    assert (problem.status, problem.code, problem.type) == (status, code, f"/problems#{code}")
    assert problem.instance == f"urn:request:{answer.headers['x-request-id']}"
    return problem


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1", 404, "not_found"),
        ("GET", "/probe/notes/", 404, "not_found"),
        ("DELETE", "/probe/notes", 405, "method_not_allowed"),
        ("BREW", "/probe/notes", 405, "method_not_allowed"),
        ("POST", "/docs/assets/swagger-ui.css", 405, "method_not_allowed"),
        ("GET", "/docs/assets/%2e%2e/%2e%2e/__init__.py", 404, "not_found"),
        ("GET", "/docs/assets/nothing", 404, "not_found"),
        ("GET", "/probe/bug", 500, "internal_error"),
    ],
)
async def test_every_refusal_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    assert_problem(await client.request(method, path), status, code)


async def test_405_says_what_is_allowed(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/probe/bug")).headers["allow"] == "GET"


async def test_a_bug_tells_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/probe/bug")
    assert "secret" not in answer.text
    assert "KeyError" not in answer.text


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"words": [CANARY]}, "/words", "string_type"),
        ({"words": CANARY * 30}, "/words", "too_long"),
        ({"words": "a", "number": CANARY}, "/number", "int_type"),
        ({"words": "a", "number": 2**63}, "/number", "less_than_equal"),
        ({"words": "a", f"{CANARY} {CANARY}": 1}, "/*", "extra_forbidden"),
        ({"words": "a", "other": CANARY}, "/other", "extra_forbidden"),
        ([CANARY], "", "model_attributes_type"),
        (CANARY, "", "model_attributes_type"),
    ],
)
async def test_a_refused_body_is_pointed_at_and_never_echoed(
    client: httpx.AsyncClient, body: object, pointer: str, code: str
) -> None:
    answer = await client.post("/probe/notes", json=body)
    problem = assert_problem(answer, 422, "validation_failed")
    assert [(error.pointer, error.code) for error in problem.errors] == [(pointer, code)]
    assert CANARY not in answer.text


async def test_a_thousand_mistakes_are_not_a_thousand_lines(client: httpx.AsyncClient) -> None:
    answer = await client.post("/large/notes", json=[{"words": 1}] * 1000)
    assert len(answer.json()["errors"]) == 50


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
async def test_a_wrong_method_is_told_the_right_ones(client: httpx.AsyncClient, prefix: str) -> None:
    answer = await client.options(f"{prefix}/probe/notes")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


async def test_the_registry_page_explains_every_code(client: httpx.AsyncClient) -> None:
    page = (await client.get("/problems")).text
    for code, kind in registry().items():
        assert f'id="{code}"' in page
        assert kind.__doc__, code


@pytest.mark.parametrize("service", ["agent_service.main", "ingestion_service.main"])
def test_a_code_says_one_thing(service: str) -> None:
    importlib.import_module(service)
    meanings: dict[str, set[type]] = defaultdict(set)
    for kind in descendants(DomainError):
        if not kind.__module__.startswith("tests."):
            meanings[kind.code].add(kind)
    assert [kinds for kinds in meanings.values() if len(kinds) > 1] == []


def test_a_loose_router_is_refused(settings: Settings) -> None:
    loose = APIRouter()
    loose.add_api_route("/loose", lambda: None)
    with pytest.raises(TypeError, match="strict"):
        create_app("loose", [loose], settings=settings)


async def test_the_document_promises_problems_only(app: FastAPI) -> None:
    document = app.openapi()
    assert "HTTPValidationError" not in str(document)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert "application/problem+json" in operation["responses"]["default"]["content"]

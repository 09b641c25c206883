import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI

from core.web import large_bodies, requests

JSON = {"content-type": "application/json"}


async def test_a_strict_body_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/probe/notes", json={"words": "olá", "number": 7})
    assert (answer.status_code, answer.json()) == (200, {"words": "olá", "number": 7})


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        (JSON, b"", 422, "validation_failed"),
        (JSON, b"{", 400, "malformed_json"),
        (JSON, b'{"words": "a", "words": "b"}', 400, "malformed_json"),
        (JSON, b'{"words": "a", "more": 1}', 422, "validation_failed"),
        (JSON, b"[" * 40 + b"]" * 40, 400, "json_too_complex"),
        (JSON, b" " * 1_000_001, 413, "body_too_large"),
        ({}, b'{"words": "a"}', 415, "unsupported_media_type"),
        ({"content-type": "text/plain"}, b'{"words": "a"}', 415, "unsupported_media_type"),
        ({"content-type": "application/json; charset=latin-1"}, b"{}", 415, "unsupported_media_type"),
        ({"content-type": "application/json; charset*=x"}, b"{}", 415, "unsupported_media_type"),
        ({"content-type": f"application/json; a*{'9' * 5_000}=b"}, b"{}", 415, "unsupported_media_type"),
        ({**JSON, "content-encoding": "gzip"}, b"{}", 415, "unsupported_media_type"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"words=a", 415, "unsupported_media_type"),
    ],
)
async def test_a_bad_body_is_a_problem(
    client: httpx.AsyncClient, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    answer = await client.post("/probe/notes", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_chunked_body_is_cut_at_the_limit(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100_000
            yield b" " * 100_000

    answer = await client.post("/probe/notes", content=endless(), headers=JSON)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert sent <= 1_200_000


async def test_a_body_that_stalls_is_given_up(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "BODY_SECONDS", 0.05)

    async def stalled() -> AsyncIterator[bytes]:
        yield b'{"words"'
        await asyncio.sleep(60)

    answer = await client.post("/probe/notes", content=stalled(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")


@pytest.mark.parametrize("length", ["abc", "-1", "1.5", "²", "9" * 5000])
async def test_a_lying_content_length_is_refused(client: httpx.AsyncClient, length: str) -> None:
    headers = [("content-type", "application/json"), (b"content-length", length.encode("latin-1"))]
    answer = await client.post("/probe/notes", content=b"{}", headers=headers)  # type: ignore[arg-type]
    assert answer.status_code in {400, 413}


async def test_large_routes_take_more_and_small_ones_do_not(client: httpx.AsyncClient) -> None:
    notes = [{"words": "a" * 50}] * 20_000
    assert (await client.post("/large/notes", json=notes)).json() == 20_000
    assert (await client.post("/probe/notes", json=notes)).status_code == 413


async def test_an_upload_is_read_and_its_fields_are_strict(client: httpx.AsyncClient) -> None:
    file = {"file": ("a.txt", b"x" * 2_000_000)}
    assert (await client.post("/large/files", files=file)).json() == 2_000_000
    unknown = await client.post("/large/files", files=file, data={"other": "1"})
    assert unknown.json()["errors"][0]["code"] == "extra_forbidden"
    twice = await client.post("/large/files", files=file, data={"words": ["1", "2"]})
    assert (twice.status_code, twice.json()["code"]) == (400, "malformed_request")
    two_files = await client.post("/large/files", files=[("file", b"1"), ("file", b"2")])
    assert two_files.status_code == 400


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=", b"x", 400),
        ("multipart/form-data; boundary=x; charset=hex", b"--x--", 415),
        ("multipart/form-data; boundary=x; charset=a\x00b", b"--x--", 415),
        ("multipart/form-data; boundary=x", b"garbage", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno disposition\r\n--x--", 400),
        ("multipart/form-data; boundary=x", b"--x\r\ncontent-disposition: form-data\r\n\r\n\r\n--x--", 400),
        ("multipart/form-data; boundary=" + "x" * 9000, b"x", 400),
        ("application/json", b"{}", 415),
        ("", b"", 415),
    ],
)
async def test_a_broken_form_is_a_problem(
    client: httpx.AsyncClient, content_type: str, body: bytes, status: int
) -> None:
    answer = await client.post("/large/files", content=body, headers={"content-type": content_type})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("other=1", ["unknown_parameter"]),
        ("one=1&one=2", ["repeated_parameter"]),
        ("one=x", ["int_parsing"]),
        ("a=1&b=2", ["unknown_parameter", "unknown_parameter"]),
    ],
)
async def test_the_query_is_what_the_route_declares(
    client: httpx.AsyncClient, query: str, codes: list[str]
) -> None:
    answer = await client.get(f"/probe/params?{query}")
    assert answer.status_code == 422
    assert [error["code"] for error in answer.json()["errors"]] == codes


async def test_lists_repeat_and_models_stand_for_their_fields(client: httpx.AsyncClient) -> None:
    assert (await client.get("/probe/params?many=a&many=b&one=2")).json() == ["2", "a", "b", ""]
    assert (await client.get("/probe/notes?limit=5")).json()["limit"] == 5
    assert (await client.get("/probe/notes?limit=5&limit=6")).status_code == 422
    assert (await client.get("/probe/notes?offset=5")).status_code == 422


async def test_a_declared_header_comes_once(client: httpx.AsyncClient) -> None:
    answer = await client.get("/probe/params", headers=[("tag", "a"), ("tag", "b")])
    assert answer.json()["errors"] == [
        {"pointer": "/header/tag", "code": "repeated_parameter", "detail": "this parameter may be given once"}
    ]


@pytest.mark.parametrize(
    "path", ["/probe/params?one=%zz", "/probe/%ff", "/probe/params?many=%00", "/docs/assets/%00", "/%0d%0a"]
)
async def test_an_unsound_url_is_a_problem(client: httpx.AsyncClient, path: str) -> None:
    request = client.build_request("GET", "/")
    request.url = httpx.URL("http://test").copy_with(raw_path=path.encode())
    answer = await client.send(request)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_large_bodies_take_turns(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_bodies, "WAIT_SECONDS", 0.05)
    async with AsyncExitStack() as held:
        for _ in range(large_bodies.AT_ONCE):
            await held.enter_async_context(app.state.runtime.room.place())
        for sent in ({"files": {"file": ("a.txt", b"a")}}, {"json": [{"words": "a"}]}):
            path = "/large/files" if "files" in sent else "/large/notes"
            refused = await client.post(path, **sent)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
        assert (await client.post("/probe/notes", json={"words": "small"})).is_success
    for _ in range(large_bodies.AT_ONCE + 1):
        assert (await client.post("/large/notes", json=[{"words": "a" * 50}] * 30_000)).is_success
        assert (await client.post("/large/files", files={"file": ("a.txt", b"a" * 2_000_000)})).is_success

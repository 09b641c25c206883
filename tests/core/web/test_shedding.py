import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from core.web.shedding import Shed

SETTINGS = SimpleNamespace(max_in_flight=2)
APP = SimpleNamespace(state=SimpleNamespace(runtime=SimpleNamespace(settings=SETTINGS)))


class Service:
    """Begins to answer when it is let, and ends when it is let again."""

    def __init__(self) -> None:
        self.begin, self.end = asyncio.Event(), asyncio.Event()
        self.seen = 0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.seen += 1
        await self.begin.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.end.wait()
        await send({"type": "http.response.body", "body": b""})


async def call(shed: Shed, path: str = "/busy") -> dict[str, Any]:
    heard: list[Any] = []

    async def send(message: Any) -> None:
        heard.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "path": path, "app": APP, "headers": [], "method": "GET", "query_string": b""}
    await shed(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in heard[0]["headers"]}
    return {"status": heard[0]["status"], "headers": headers, "body": heard[1]["body"]}


async def calls(shed: Shed, service: Service, count: int) -> list[asyncio.Task[dict[str, Any]]]:
    """They have all arrived: each task ran up to where the service holds it."""
    seen = service.seen
    tasks = [asyncio.create_task(call(shed)) for _ in range(count)]
    await asyncio.sleep(0)
    assert service.seen == seen + count
    return tasks


async def test_more_than_can_be_served_is_refused_at_once() -> None:
    shed = Shed(service := Service())
    working = await calls(shed, service, 2)
    refused = await call(shed)
    assert (refused["status"], refused["headers"]["retry-after"]) == (503, "1")
    assert b'"code":"overloaded"' in refused["body"]
    watching = asyncio.create_task(call(shed, "/health"))
    service.begin.set()
    service.end.set()
    answers = [*await asyncio.gather(*working), await watching, await call(shed)]
    assert [answer["status"] for answer in answers] == [200] * 4


async def test_a_stream_that_has_begun_keeps_nobody_out() -> None:
    shed = Shed(service := Service())
    service.begin.set()
    listening = await calls(shed, service, 5)
    service.end.set()
    assert [answer["status"] for answer in await asyncio.gather(*listening)] == [200] * 5
    assert shed.at_work == 0


async def test_what_fails_frees_its_place() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    shed = Shed(broken)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            await call(shed)
    assert shed.at_work == 0

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.access import Permission
from core.db import on_commit
from core.errors import Conflict, Unavailable
from core.ids import uuid7
from core.settings import Settings
from core.types import Model
from core.web.app import create_app
from core.web.auth import anyone, requires
from core.web.idempotency import RetryId, commits_itself
from core.web.requests import router
from core.web.runtime import Db

MAY = requires(Permission.DOCUMENTS_SUBMIT)
SLOW = commits_itself("the test says so")
HELD = "COGEP_TEST_HELD"
TABLE = "CREATE TABLE public.effects (id uuid PRIMARY KEY, what text, retry text UNIQUE)"

probe = router(prefix="/probe")
rung: list[str] = []


class Deed(Model):
    what: str = "done"
    then: str = "answer"
    number: float = 0


async def effect(session: AsyncSession, what: str, retry: str | None = None) -> UUID:
    values = {"id": uuid7(), "what": what, "retry": retry}
    statement = "INSERT INTO public.effects VALUES (:id, :what, :retry) ON CONFLICT (retry) DO NOTHING"
    await session.execute(text(statement), values)
    return values["id"]


async def ring() -> None:
    rung.append("bell")


async def hold() -> None:
    """Where a test wants it: tell that the work is done, and never answer."""
    if file := os.environ.get(HELD):
        await asyncio.to_thread(Path(file).touch)
        await asyncio.sleep(600)


@probe.post("/deeds", status_code=201, summary="s", dependencies=[MAY])
async def do(deed: Deed, database: Db, response: Response) -> dict[str, Any]:
    async with database.transaction() as session:
        done = await effect(session, deed.what)
        on_commit(session, ring)
    async with database.connection() as connection:
        await connection.execute("UPDATE public.effects SET what = what || '!' WHERE id = $1", done)
    await hold()
    _end(deed.then)
    response.headers["Location"] = f"/deeds/{done}"
    return {"id": done, "secret": "cgp_test_shown_once"}


@probe.post("/deeds/{number}/again", summary="s", dependencies=[MAY])
async def again(number: int, database: Db) -> UUID:
    async with database.transaction() as session:
        return await effect(session, str(number))


@probe.post("/refused", summary="s", dependencies=[MAY])
async def refused(database: Db) -> None:
    async with database.transaction() as session:
        await effect(session, "taken back")
        raise Conflict("not like this")


@probe.post("/slow", summary="s", dependencies=[MAY, SLOW])
async def slow(deed: Deed, database: Db, retry: RetryId) -> UUID:
    async with database.transaction() as session:
        done = await effect(session, deed.what, retry)
    await hold()
    _end(deed.then)
    return done


@probe.post("/stream", summary="s", response_class=Response, dependencies=[MAY, SLOW])
async def stream(deed: Deed, database: Db) -> Response:
    async with database.transaction() as session:
        done = await effect(session, deed.what)

    async def pieces() -> AsyncIterator[str]:
        yield "data: one\n\n"
        if deed.then == "break":
            raise RuntimeError
        yield f"data: {done}\n\n"

    return StreamingResponse(pieces(), media_type="text/event-stream")


@probe.post("/open", summary="s", dependencies=[anyone("a probe")])
async def unguarded(database: Db) -> UUID:
    async with database.transaction() as session:
        return await effect(session, "open")


def _end(then: str) -> None:
    if then == "unavailable":
        raise Unavailable("later")
    if then == "bug":
        raise KeyError(then)


def make(settings: Settings) -> FastAPI:
    return create_app("probe", [probe], settings=settings)


def serve() -> FastAPI:
    return make(Settings())  # type: ignore[call-arg]

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Form, Header, Query, UploadFile
from pydantic import Field

from core.access import Permission
from core.db import Database
from core.settings import Settings
from core.types import Int64, Model, Text
from core.web.app import create_app
from core.web.auth import Caller, anyone, requires
from core.web.pagination import PageQuery
from core.web.requests import router
from tests.api import make_key, serving


class Note(Model):
    words: Annotated[Text, Field(max_length=50)]
    number: Int64 = 0


class Upload(Model):
    file: UploadFile
    words: str = ""


probe = router(prefix="/probe")
large = router(prefix="/large", large=True)


@probe.post("/notes", summary="s", dependencies=[requires(Permission.DOCUMENTS_SUBMIT)])
async def write_note(note: Note) -> Note:
    return note


@probe.get("/notes", summary="s", dependencies=[requires(Permission.KNOWLEDGE_READ)])
async def read_notes(query: Annotated[PageQuery, Query()]) -> PageQuery:
    return query


@probe.get("/params", summary="s", dependencies=[requires(Permission.KNOWLEDGE_READ)])
async def params(
    one: int = 0,
    many: Annotated[list[str] | None, Query()] = None,
    tag: Annotated[str | None, Header()] = None,
) -> list[str]:
    return [str(one), *(many or []), tag or ""]


@probe.get("/whoami", summary="s", dependencies=[requires(Permission.CHAT_USE)])
async def whoami(caller: Caller) -> str:
    return caller.name


@probe.get("/bug", summary="s", dependencies=[anyone("a probe")])
async def bug() -> None:
    raise KeyError("a secret of ours")


@large.post("/files", summary="s", dependencies=[requires(Permission.DOCUMENTS_SUBMIT)])
async def upload(form: Annotated[Upload, Form(media_type="multipart/form-data")]) -> int:
    return len(await form.file.read())


@large.post("/notes", summary="s", dependencies=[requires(Permission.DOCUMENTS_SUBMIT)])
async def write_notes(notes: list[Note]) -> int:
    return len(notes)


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app("probe", [probe, large], settings=settings)


@pytest.fixture
async def client(app: FastAPI, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app, await make_key(database)) as client:
        yield client

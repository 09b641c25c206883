from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Response

from core.settings import Settings
from core.types import Model
from core.web.app import create_app
from core.web.auth import anyone
from core.web.etags import IfMatch, IfMatchOptional, require_version, tagged
from core.web.requests import router
from tests.api import serving


class Thing(Model):
    version: int


OPEN = [anyone("a probe of this test")]
things = router(prefix="/things")


@things.get("/3", summary="s", dependencies=OPEN)
async def read(response: Response) -> Thing:
    return tagged(response, Thing(version=3))


@things.patch("/3", summary="s", dependencies=OPEN)
async def change(if_match: IfMatch) -> Thing:
    require_version(if_match, 3)
    return Thing(version=4)


@things.post("/3/poke", summary="s", dependencies=OPEN)
async def poke(if_match: IfMatchOptional) -> Thing:
    require_version(if_match, 3)
    return Thing(version=3)


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app("things", [things], settings=settings)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app) as client:
        yield client


async def test_what_was_read_may_be_changed(client: httpx.AsyncClient) -> None:
    seen = (await client.get("/things/3")).headers["etag"]
    assert seen == '"3"'
    assert (await client.patch("/things/3", headers={"If-Match": seen})).json() == {"version": 4}
    assert (await client.post("/things/3/poke", headers={"If-Match": seen})).is_success


async def test_without_a_version_nothing_is_changed_where_one_is_demanded(client: httpx.AsyncClient) -> None:
    refused = await client.patch("/things/3")
    assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")
    assert (await client.post("/things/3/poke")).is_success


@pytest.mark.parametrize("stale", ['"2"', "3", 'W/"3"', "*", '"2", "3"', '"03"', '""', "", "\N{POUND SIGN}"])
async def test_whatever_is_not_the_version_is_stale(client: httpx.AsyncClient, stale: str) -> None:
    headers = [(b"if-match", stale.encode("latin-1"))]
    for refused in (
        await client.patch("/things/3", headers=headers),
        await client.post("/things/3/poke", headers=headers),
    ):
        assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")

"""Every operation, called by everybody, about what is theirs, another's, gone, or never was."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import agent_service.main
import ingestion_service.main
from core.access import GRANTS, Permission
from core.web.auth import Anyone, Requires
from core.web.operations import Operation, operations
from tests.access.kinds import BODIES, KINDS, TELLS_OF_OTHERS, Kind, key_of, kind_of
from tests.access.world import Caller, World
from tests.hostile import attacks

APPS: dict[str, FastAPI] = {"ingestion": ingestion_service.main.app, "agent": agent_service.main.app}
OF_EVERY_SERVICE = {"/health", "/ready", "/metrics", "/problems"}


@dataclass(frozen=True)
class Row:
    """One operation of the matrix."""

    service: str
    operation: Operation
    documented: attacks.Operation

    @property
    def parameters(self) -> list[str]:
        parts = self.operation.path.split("/")
        return [part.strip("{}") for part in parts if part.startswith("{")]

    @property
    def kinds(self) -> dict[str, Kind]:
        """What each parameter of the path names."""
        return {name: kind_of(self.operation.path, name) for name in self.parameters}

    @property
    def permission(self) -> Permission | None:
        return self.operation.demand.permission if isinstance(self.operation.demand, Requires) else None

    def __str__(self) -> str:
        return str(self.operation)


def rows() -> Iterator[Row]:
    for service, app in APPS.items():
        documented = {f"{item.method} {item.template}": item for item in attacks.operations(app.openapi())}
        for operation in operations(app):
            if service == "agent" or operation.path not in OF_EVERY_SERVICE:
                yield Row(service, operation, documented[str(operation)])


ROWS = list(rows())
ASKED = [row for row in ROWS if isinstance(row.operation.demand, Requires)]
OPEN = [row for row in ROWS if isinstance(row.operation.demand, Anyone)]


def named(chosen: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", chosen, ids=str)


async def call(world: World, row: Row, caller: Caller, values: dict[str, str]) -> httpx.Response:
    """The operation as it should be called, with a good body."""
    make = BODIES.get(str(row.operation))
    headers = {name: value.decode() for name, value in row.documented._good_headers().items()}
    if "if-match" in {name.lower() for name in row.documented._parameters("header")}:
        headers["If-Match"] = '"1"'
    body: dict[str, Any] = (
        {"content": row.documented._good_body()} if make is None else {"json": await make(world)}
    )
    path = row.operation.path.format(**values)
    client = world.client(row.service)
    return await client.request(row.operation.method, path, headers={**headers, **caller.headers}, **body)


async def made(world: World, row: Row, owner: Caller, *, removed: bool = False) -> dict[str, str]:
    """A value for each parameter of the path: new objects of this owner's; the last one removed again."""
    values: dict[str, str] = {}
    for name, kind in row.kinds.items():
        values[name] = await kind.new(world, owner, values)
    if removed and (remove := last(row).remove) is not None:
        await remove(world, values[row.parameters[-1]])
    return values


def last(row: Row) -> Kind:
    return row.kinds[row.parameters[-1]]


def complaint(answer: httpx.Response, expected: str) -> str | None:
    """What is wrong with the answer, None when it is of the expected class."""
    status, code = answer.status_code, ""
    if answer.headers.get("content-type") == "application/problem+json":
        code = answer.json()["code"]
    held = {
        "unauthenticated": status == 401 and code == "unauthenticated",
        "forbidden": status == 403 and code == "forbidden",
        "not a person": status == 403 and code == "not_a_person",
        "not found": status == 404 and code == "not_found",
        "allowed": status < 500 and status != 401 and code not in {"forbidden", "not_a_person", "not_found"},
        "handled": status < 500,
    }
    return None if held[expected] else f"{status} {code or 'without a problem'} instead of {expected}"


async def cases(world: World, row: Row, caller: Caller) -> AsyncIterator[tuple[str, dict[str, str], str]]:
    """(what it is about, the values of the path, the expected class) for one caller."""
    refusal = refused(row, caller)
    if not row.parameters:
        yield "nothing", {}, refusal or "allowed"
        return
    random = {name: kind.random for name, kind in row.kinds.items()}
    yield "random", random, refusal or "not found"
    yield "own", await made(world, row, caller), refusal or "allowed"
    if last(row).remove is not None:
        yield "deleted", await made(world, row, caller, removed=True), refusal or last(row).gone
    if last(row).owned and caller.is_known:
        other = next(item for item in world.others if item.name == caller.name)
        is_told = last(row).is_seen_by(caller) or str(row) in TELLS_OF_OTHERS
        seen = "allowed" if is_told else "not found"
        yield "other's", await made(world, row, other), refusal or seen


def refused(row: Row, caller: Caller) -> str | None:
    if not caller.is_known:
        return "unauthenticated"
    demand = row.operation.demand
    if row.permission is not None and row.permission not in caller.permissions:
        return "forbidden"
    if isinstance(demand, Requires) and demand.people_only and "X-API-Key" in caller.headers:
        return "not a person"
    return None


@named(ASKED)
async def test_everybody_gets_what_the_table_grants_and_nothing_else(world: World, row: Row) -> None:
    complaints = []
    for caller in world.callers:
        async for about, values, expected in cases(world, row, caller):
            answer = await call(world, row, caller, values)
            if wrong := complaint(answer, expected):
                complaints.append(f"{caller} about {about}: {wrong}")
    assert not complaints, "\n".join([str(row), *complaints])


@named(OPEN)
async def test_what_asks_for_no_key_is_handled_whoever_calls(world: World, row: Row) -> None:
    for caller in world.callers:
        for values in (
            {name: kind.random for name, kind in row.kinds.items()},
            await made(world, row, world.operator),
        ):
            assert not complaint(await call(world, row, caller, values), "handled"), str(caller)


@named(ROWS)
def test_every_path_parameter_has_its_kind(row: Row) -> None:
    missing = [name for name in row.parameters if not key_of(row.operation.path, name)]
    assert not missing, f"{row}: tell tests/access/kinds.py how to make what {missing} names"


@named(ROWS)
def test_every_operation_has_its_row_in_the_table(row: Row) -> None:
    demand = row.operation.demand
    if isinstance(demand, Anyone):
        assert demand.reason
    else:
        assert demand.permission is None or demand.permission in GRANTS


def test_the_documents_hold_every_operation_and_no_other() -> None:
    for app in APPS.values():
        documented = {f"{item.method} {item.template}" for item in attacks.operations(app.openapi())}
        assert documented == {str(operation) for operation in operations(app)}


def test_no_kind_is_left_over() -> None:
    assert set(KINDS) == {key_of(row.operation.path, name) for row in ROWS for name in row.parameters}
    assert set(BODIES) <= {str(row) for row in ROWS}

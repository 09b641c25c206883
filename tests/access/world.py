"""Both services with one database, and everybody who may call them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text

import agent_service.main
import ingestion_service.main
from core.access import Permission, PersonRole, permissions_of_role, permissions_of_scopes
from core.access.permissions import Role
from core.apikeys import Scope
from core.db import Database
from core.settings import Settings
from tests.api import make_key, serving
from tests.people import make_person


@dataclass(frozen=True)
class Caller:
    """Somebody who calls. `key` is the principal id; nobody's is 0."""

    name: str
    headers: dict[str, str]
    permissions: frozenset[Permission]
    key: int = 0

    @property
    def is_known(self) -> bool:
        return bool(self.headers)

    def __str__(self) -> str:
        return self.name


NOBODY = Caller("anonymous", {}, frozenset())


@dataclass(frozen=True)
class World:
    """What a maker of objects works with: both services, and the operator who may do everything."""

    database: Database
    settings: Settings
    ingestion: httpx.AsyncClient
    agent: httpx.AsyncClient
    operator: Caller
    callers: tuple[Caller, ...]
    others: tuple[Caller, ...]
    """As many people and keys more, who own what is somebody else's."""

    def client(self, service: str) -> httpx.AsyncClient:
        return {"ingestion": self.ingestion, "agent": self.agent}[service]

    async def post(self, path: str, body: Any = None, *, service: str = "agent") -> dict[str, Any]:
        """What the operator gets for a POST that must succeed."""
        answer = await self.client(service).post(path, json=body, headers=self.operator.headers)
        assert answer.is_success, (path, answer.text)
        made: dict[str, Any] = answer.json()
        return made

    async def delete(self, path: str) -> None:
        """Something goes away, by the operator's hand."""
        answer = await self.agent.delete(path, headers=self.operator.headers)
        assert answer.is_success, (path, answer.text)

    async def execute(self, statement: str, **values: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(text(statement), values)


@asynccontextmanager
async def world_of(database: Database, settings: Settings) -> AsyncIterator[World]:
    """The world, until the block ends."""
    callers = [NOBODY, *[caller async for caller in _everybody(database, settings)]]
    others = [caller async for caller in _everybody(database, settings)]
    operator = next(caller for caller in callers if caller.name == f"key:{Scope.ADMIN}")
    async with AsyncExitStack() as stack:
        ingestion, agent = [
            await stack.enter_async_context(serving(app.create(settings)))
            for app in (ingestion_service.main, agent_service.main)
        ]
        yield World(database, settings, ingestion, agent, operator, tuple(callers), tuple(others))


async def _everybody(database: Database, settings: Settings) -> AsyncIterator[Caller]:
    for scopes in ([], *([scope] for scope in Scope)):
        yield await _key(database, scopes)
    for role in PersonRole:
        person = await make_person(database, settings, role)
        yield Caller(str(role), person.headers, permissions_of_role(Role(role)), person.key)


async def _key(database: Database, scopes: Iterable[Scope]) -> Caller:
    key = await make_key(database, scopes)
    async with database.transaction() as session:
        principal = await session.scalar(
            text("SELECT id FROM ops.api_keys WHERE public_id = :id"), {"id": key.public_id}
        )
    name = f"key:{','.join(scopes) or 'none'}"
    return Caller(name, {"X-API-Key": key.plaintext}, permissions_of_scopes(scopes), principal or 0)

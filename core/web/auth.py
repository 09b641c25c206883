"""Who is asking: an API key or a person, looked up on every call, so that a change of rights works at once.

Every route says in its `dependencies` what it asks for: `requires(Permission.X)`, or `anyone("why")`.
"""

from typing import Annotated, Any
from uuid import UUID

import structlog
from asyncpg import Record
from fastapi import Depends, Request, Security
from fastapi.params import Depends as DependsMark
from fastapi.security import APIKeyHeader, HTTPBearer

from core import apikeys
from core.access import (
    Permission,
    Principal,
    PrincipalKind,
    Role,
    permissions_of_role,
    permissions_of_scopes,
)
from core.db import Database
from core.errors import Forbidden, Unauthenticated
from core.web.runtime import Runtime, runtime

log = structlog.get_logger(__name__)

LOOKUP = """
SELECT id, name, secret_sha256, scopes,
       revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS live,
       last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS stale
FROM ops.api_keys WHERE public_id = $1
"""
TOUCH = """
UPDATE ops.api_keys SET last_used_at = now()
WHERE id = (SELECT id FROM ops.api_keys WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED)
"""
PERSON = """
SELECT p.id, p.name, p.role, p.active AND EXISTS (
           SELECT FROM ops.refresh_tokens
           WHERE family = $2 AND person_id = p.id AND revoked_at IS NULL AND expires_at > now()) AS live
FROM ops.people p WHERE p.public_id = $1
"""
_BEARER = HTTPBearer(auto_error=False, description="an API key (`cgp_...`), or a person's access token")
JWT_DOTS = 2
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)


class NotAPerson(Forbidden):
    """This is for people who logged in, not for API keys."""

    code = "not_a_person"


class Demand:
    """What a route asks of a caller: a dependency, which `StrictRoute` asks before it reads a body."""

    async def check(self, request: Request) -> object:
        """Raise Unauthenticated or Forbidden unless the caller meets it."""
        raise NotImplementedError


class Requires(Demand):
    """A route's demand for a permission.

    Without a permission it demands somebody we know, whatever they may do.
    """

    def __init__(self, permission: Permission | None, *, people_only: bool = False) -> None:
        self.permission = permission
        self.people_only = people_only

    async def __call__(
        self,
        request: Request,
        _bearer: Annotated[Any, Security(_BEARER)] = None,
        _header: Annotated[Any, Security(_HEADER)] = None,
    ) -> Principal:
        """The principal. The two unused parameters put the schemes into the OpenAPI document."""
        return await self.check(request)

    async def check(self, request: Request) -> Principal:
        """The principal of the request. Raises Unauthenticated or Forbidden."""
        principal = await identify(request)
        if self.permission is not None and not principal.may(self.permission):
            raise Forbidden(f"this needs the permission `{self.permission}`")
        if self.people_only and principal.kind is not PrincipalKind.PERSON:
            raise NotAPerson("this is for people who logged in, not for API keys")
        return principal


class Anyone:
    """A route that asks for no key, and why: what else guards it, or that it tells nothing."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(self) -> None:
        """Nothing to ask."""


def requires(permission: Permission) -> Any:
    """For a route's `dependencies`: only who has this permission may call it."""
    mark: DependsMark = Depends(Requires(permission))
    return mark


def requires_somebody(*, people_only: bool = False) -> Any:
    """For the `dependencies` of a route about the caller: any key or person we know may call it."""
    mark: DependsMark = Depends(Requires(None, people_only=people_only))
    return mark


def anyone(reason: str) -> Any:
    """For the `dependencies` of a route that asks for no key, with the reason why it may."""
    mark: DependsMark = Depends(Anyone(reason))
    return mark


async def identify(request: Request) -> Principal:
    """The principal of the request, looked up once. Raises Unauthenticated."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        known, session = await _authenticate(runtime(request), presented_key(request))
        request.state.principal, request.state.session = known, session
    return known


async def _session(request: Request) -> UUID:
    await identify(request)
    session: UUID | None = request.state.session
    assert session is not None, "the route is for people only"
    return session


Caller = Annotated[Principal, Depends(identify)]
"""The authenticated principal, for a route's parameters."""

CallerSession = Annotated[UUID, Depends(_session)]
"""The session a person calls in, for routes with `requires_somebody(people_only=True)`."""


def presented_key(request: Request) -> str:
    """The key of the request: a bearer token or `X-API-Key`, one of them once. Raises Unauthenticated."""
    bearers = request.headers.getlist("authorization")
    plain = request.headers.getlist("x-api-key")
    if len(bearers) + len(plain) != 1:
        raise Unauthenticated("present one API key as `Authorization: Bearer` or `X-API-Key`")
    if plain:
        return plain[0].strip()
    scheme, _, key = bearers[0].partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("the authorization scheme is `Bearer`")
    return key.strip()


async def _authenticate(state: Runtime, credential: str) -> tuple[Principal, UUID | None]:
    """The principal; and the session, of a person."""
    if (parsed := apikeys.parse(credential)) is not None:
        return await _key(state.database, *parsed), None
    if credential.count(".") != JWT_DOTS or state.settings.token_secret is None:
        raise Unauthenticated("this is neither an API key nor an access token")
    claims = state.tokens.read(credential)
    row = await _fetch(state.database, PERSON, claims.person, claims.session)
    if row is None or not row["live"]:
        raise Unauthenticated("this session has ended")
    role = Role(row["role"])
    who = Principal(row["id"], row["name"], PrincipalKind.PERSON, role, permissions_of_role(role))
    return who, claims.session


async def _key(database: Database, public_id: str, secret: str) -> Principal:
    row = await _fetch(database, LOOKUP, public_id)
    stored = row["secret_sha256"] if row is not None else bytes(32)
    if not apikeys.matches(secret, stored) or row is None or not row["live"]:
        raise Unauthenticated("this API key is not valid")
    if row["stale"]:
        await _note_use(database, row["id"])
    permissions = permissions_of_scopes(row["scopes"])
    return Principal(row["id"], row["name"], PrincipalKind.KEY, Role.SERVICE, permissions)


async def _note_use(database: Database, key: int) -> None:
    """At most once a minute, and never at the price of the request."""
    try:
        await _fetch(database, TOUCH, key)
    except Exception:
        log.warning("last_used_not_noted", exc_info=True)


async def _fetch(database: Database, statement: str, *arguments: object) -> Record | None:
    """One statement outside a transaction: one round trip, for what every request pays."""
    async with database.connection() as connection:
        return await connection.fetchrow(statement, *arguments)

"""Who is asking: an API key, looked up on every call, so that a revocation works at once.

Every route says in its `dependencies` what it asks for: `requires(Permission.X)`, or `anyone("why")`.
"""

from typing import Annotated, Any

import structlog
from asyncpg import Record
from fastapi import Depends, Request, Security
from fastapi.params import Depends as DependsMark
from fastapi.security import APIKeyHeader, HTTPBearer

from core import apikeys
from core.access import Permission, Principal, PrincipalKind, Role, permissions_of_scopes
from core.db import Database
from core.errors import Forbidden, Unauthenticated
from core.web.runtime import runtime

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
_BEARER = HTTPBearer(auto_error=False, description="`Authorization: Bearer cgp_...`")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)


class Requires:
    """A route's demand for a permission: a dependency, which `StrictRoute` asks before it reads a body."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

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
        if not principal.may(self.permission):
            raise Forbidden(f"this needs the permission `{self.permission}`")
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


def anyone(reason: str) -> Any:
    """For the `dependencies` of a route that asks for no key, with the reason why it may."""
    mark: DependsMark = Depends(Anyone(reason))
    return mark


async def identify(request: Request) -> Principal:
    """The principal of the request, looked up once. Raises Unauthenticated."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is None:
        known = await _authenticate(runtime(request).database, presented_key(request))
        request.state.principal = known
    return known


Caller = Annotated[Principal, Depends(identify)]
"""The authenticated principal, for a route's parameters."""


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


async def _authenticate(database: Database, key: str) -> Principal:
    if (parsed := apikeys.parse(key)) is None:
        raise Unauthenticated("this is not an API key")
    public_id, secret = parsed
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


async def _fetch(database: Database, statement: str, argument: object) -> Record | None:
    """One statement outside a transaction: one round trip, for what every request pays."""
    async with database.connection() as connection:
        return await connection.fetchrow(statement, argument)

"""The people of the organisation: made, changed and let out by an administrator, over HTTP or from a shell.

All functions take a connection inside the caller's transaction. `actor` is the principal's id, None for
whoever holds the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from core import audit
from core.access import PersonRole
from core.db import Connection
from core.errors import Conflict, Invalid, NotFound
from core.ids import uuid7
from core.matching import IdentityKind, Unmatchable, canonical

Row: TypeAlias = dict[str, Any]
"""A person by column names; `key` is the principal id, `id` the one outside."""

PEOPLE = (
    "SELECT id AS key, public_id AS id, name, email, role, active, version, created_at, last_login_at"
    " FROM ops.people"
)
FIND = PEOPLE + " WHERE public_id = $1"
LOCK = FIND + " FOR UPDATE"
FIND_BY_KEY = PEOPLE + " WHERE id = $1"
FIND_BY_EMAIL = PEOPLE + " WHERE email_key = $1"
LIST = PEOPLE + " WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"
INSERT = """
INSERT INTO ops.people (public_id, name, email, email_key, password_hash, role)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email_key) DO NOTHING RETURNING id
"""
LOCK_ADMINS = "SELECT id FROM ops.people WHERE active AND role = 'admin' ORDER BY id FOR UPDATE"
CHANGE = "UPDATE ops.people SET name = $2, role = $3, active = $4, version = version + 1 WHERE id = $1"
NEW_HASH = "UPDATE ops.people SET password_hash = $2 WHERE id = $1"
END_SESSIONS = """
UPDATE ops.refresh_tokens SET revoked_at = now()
WHERE person_id = $1 AND revoked_at IS NULL AND family IS DISTINCT FROM $2
"""


class EmailTaken(Conflict):
    """Somebody has this e-mail already."""

    code = "email_taken"


class NotAnEmail(Invalid):
    """This is not an e-mail address."""

    code = "not_an_email"


class LastAdmin(Conflict):
    """Nobody could administer any more: make another person admin first."""

    code = "last_admin"


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change of a person; None leaves it as it is."""

    name: str | None = None
    role: PersonRole | None = None
    active: bool | None = None


def email_key(email: str) -> str:
    """The spelling by which people are told apart. Raises NotAnEmail."""
    try:
        return canonical(IdentityKind.EMAIL, email)
    except Unmatchable:
        raise NotAnEmail("this is not an e-mail address", pointer="/email") from None


async def insert_person(
    connection: Connection,
    *,
    actor: int | None,
    name: str,
    email: str,
    role: PersonRole,
    password_hash: str,
) -> Row:
    """A new person. Raises EmailTaken or NotAnEmail."""
    key = email_key(email)
    person = await connection.fetchval(INSERT, uuid7(), name, email, key, password_hash, role)
    if person is None:
        raise EmailTaken("somebody has this e-mail already", pointer="/email")
    row = await get_person_by_key(connection, person)
    await _note(connection, actor, "person.created", row)
    return row


async def get_person(connection: Connection, person_id: UUID) -> Row:
    """The person. Raises NotFound."""
    return _found(await connection.fetchrow(FIND, person_id))


async def get_person_by_key(connection: Connection, person: int) -> Row:
    """The person of a principal id. Raises NotFound."""
    return _found(await connection.fetchrow(FIND_BY_KEY, person))


async def get_person_by_email(connection: Connection, email: str) -> Row:
    """The person with this e-mail, however it is spelled. Raises NotFound or NotAnEmail."""
    return _found(await connection.fetchrow(FIND_BY_EMAIL, email_key(email)))


async def list_people(connection: Connection, *, before: int | None, limit: int) -> Sequence[Row]:
    """People, the newest first, before the key `before`."""
    return [dict(row) for row in await connection.fetch(LIST, before, limit)]


async def lock_person(connection: Connection, person_id: UUID) -> Row:
    """The person, and all active admins, locked until the transaction ends. Raises NotFound.

    Admins first and in one order: of two who let each other out, the second sees what the first did.
    """
    await connection.fetch(LOCK_ADMINS)
    return _found(await connection.fetchrow(LOCK, person_id))


async def change_person(connection: Connection, person: Row, changes: Changes, *, actor: int | None) -> Row:
    """The locked person, changed; who is let out loses their sessions. Raises LastAdmin."""
    name = person["name"] if changes.name is None else changes.name
    role = changes.role or PersonRole(person["role"])
    active = person["active"] if changes.active is None else changes.active
    await _require_another_admin(connection, person, stays=active and role is PersonRole.ADMIN)
    if not active:
        await end_sessions(connection, person["key"])
    await connection.execute(CHANGE, person["key"], name, role, active)
    row = await get_person_by_key(connection, person["key"])
    await _note(connection, actor, "person.changed", row)
    return row


async def set_password(
    connection: Connection, person: Row, password_hash: str, *, actor: int | None, spare: UUID | None = None
) -> None:
    """Store a new hash. All sessions end, but for the family `spare`."""
    await connection.execute(NEW_HASH, person["key"], password_hash)
    await end_sessions(connection, person["key"], spare=spare)
    await _note(connection, actor, "person.password_set", person)


async def end_sessions(connection: Connection, person: int, *, spare: UUID | None = None) -> None:
    """End all sessions of a person, but for the family `spare`. Their access tokens end with them."""
    await connection.execute(END_SESSIONS, person, spare)


async def _require_another_admin(connection: Connection, person: Row, *, stays: bool) -> None:
    admins = {row["id"] for row in await connection.fetch(LOCK_ADMINS)}
    if not stays and admins == {person["key"]}:
        raise LastAdmin("this is the last active admin: make another person admin first")


async def _note(connection: Connection, actor: int | None, action: str, person: Row) -> None:
    rights = {"role": person["role"], "active": person["active"]}
    await audit.record(connection, actor=actor, action=action, subject=f"person/{person['id']}", data=rights)


def _found(row: asyncpg.Record | None) -> Row:
    if row is None:
        raise NotFound("there is no such person")
    return dict(row)

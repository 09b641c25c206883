from typing import Any, NamedTuple
from uuid import UUID

from core.access import Principal, PrincipalKind, Role, permissions_of_role
from core.db import Database

INSERT = """
INSERT INTO ops.people (public_id, name, email, email_key, password_hash, role)
VALUES (gen_random_uuid(), $1, $1, $1, '', $2::text::ops.role) RETURNING id, public_id"""
CLIENT = "INSERT INTO crm.clients (public_id, name) VALUES (gen_random_uuid(), $1) RETURNING public_id"


class Member(NamedTuple):
    """Somebody who works here."""

    id: UUID
    principal: Principal


class Staff:
    """People who work on tickets, and clients who have some."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hire(self, name: str, role: Role = Role.AGENT) -> Member:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(INSERT, name, role.value)
        assert row is not None
        permissions = permissions_of_role(role)
        return Member(row["public_id"], Principal(row["id"], name, PrincipalKind.PERSON, role, permissions))

    async def client(self, name: str = "Maria") -> UUID:
        async with self._database.connection() as connection:
            found: UUID = await connection.fetchval(CLIENT, name)
        return found

    async def execute(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self._database.connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *values)]

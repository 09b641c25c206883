"""Make people, change what they may do, let them out. Each of it works at once."""

from uuid import UUID

from agent_service.auth.hashing import Hashing
from agent_service.people.schemas import (
    NewPersonOut,
    PasswordResetIn,
    PasswordResetOut,
    PersonChange,
    PersonIn,
    PersonOut,
    chosen,
)
from core import passwords, people
from core.access import Principal
from core.db import Database
from core.people import Changes, Row
from core.web.etags import require_version
from core.web.pagination import Page, PageQuery, page_of


async def list_people(database: Database, query: PageQuery) -> Page[PersonOut]:
    """A page of people, the newest first. Raises BadCursor."""
    async with database.connection() as connection:
        rows = await people.list_people(connection, before=query.before, limit=query.limit + 1)
    return page_of(rows, query.limit, shown)


async def get_person(database: Database, person_id: UUID) -> PersonOut:
    """The person. Raises NotFound."""
    async with database.connection() as connection:
        return shown(await people.get_person(connection, person_id))


async def create_person(
    database: Database, hashing: Hashing, caller: Principal, asked: PersonIn
) -> NewPersonOut:
    """A new person. Raises EmailTaken, NotAnEmail or LoginsBusy."""
    given = chosen(asked.password)
    password = given or passwords.generate()
    people.email_key(asked.email)
    password_hash = await hashing.hash(password)
    async with database.connection() as connection, connection.transaction():
        row = await people.insert_person(
            connection,
            actor=caller.id,
            name=asked.name,
            email=asked.email,
            role=asked.role,
            password_hash=password_hash,
        )
    return NewPersonOut(**shown(row).model_dump(), password=None if given else password)


async def change_person(
    database: Database, caller: Principal, person_id: UUID, expected: str, asked: PersonChange
) -> PersonOut:
    """The person, changed. Raises NotFound, PreconditionFailed or LastAdmin."""
    async with database.connection() as connection, connection.transaction():
        person = await people.lock_person(connection, person_id)
        require_version(expected, person["version"])
        changes = Changes(asked.name, asked.role, asked.active)
        return shown(await people.change_person(connection, person, changes, actor=caller.id))


async def reset_password(
    database: Database, hashing: Hashing, caller: Principal, person_id: UUID, asked: PasswordResetIn
) -> PasswordResetOut:
    """Another password; all sessions of the person end. Raises NotFound or LoginsBusy."""
    given = chosen(asked.password)
    password = given or passwords.generate()
    password_hash = await hashing.hash(password)
    async with database.connection() as connection, connection.transaction():
        person = await people.lock_person(connection, person_id)
        await people.set_password(connection, person, password_hash, actor=caller.id)
    return PasswordResetOut(password=None if given else password)


def shown(row: Row) -> PersonOut:
    """A person's row, as callers see it."""
    return PersonOut(**{name: row[name] for name in PersonOut.model_fields})

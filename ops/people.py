"""People from the operator's side: who holds the database makes the first admin, and lets anyone back in."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from core import passwords, people
from core.access import PersonRole
from core.db import Connection, Database
from core.errors import DomainError, NotFound
from core.people import Changes, EmailTaken, LastAdmin, NotAnEmail, Row
from ops.errors import NotDone

MOST = 1_000
SENTENCES: dict[type[DomainError], str] = {
    EmailTaken: "Já existe uma pessoa com esse e-mail.",
    LastAdmin: "É o último admin ativo: torne outra pessoa admin antes.",
    NotAnEmail: "Isso não é um endereço de e-mail.",
    NotFound: "Não há pessoa com esse e-mail.",
}


async def create_person(url: str, *, name: str, email: str, role: PersonRole, password: str) -> None:
    """A new person. Raises NotDone."""
    password_hash = passwords.hash_password(password)
    async with _transaction(url) as connection:
        await people.insert_person(
            connection, actor=None, name=name, email=email, role=role, password_hash=password_hash
        )


async def list_people(url: str) -> Sequence[Row]:
    """The newest people, those let out too."""
    async with _transaction(url) as connection:
        return await people.list_people(connection, before=None, limit=MOST)


async def change_person(url: str, email: str, changes: Changes) -> None:
    """Change a person; it works on their next call. Raises NotDone."""
    async with _transaction(url) as connection:
        found = await people.get_person_by_email(connection, email)
        person = await people.lock_person(connection, found["id"])
        await people.change_person(connection, person, changes, actor=None)


async def reset_password(url: str, email: str, password: str) -> None:
    """Another password; all sessions of the person end. Raises NotDone."""
    password_hash = passwords.hash_password(password)
    async with _transaction(url) as connection:
        found = await people.get_person_by_email(connection, email)
        await people.set_password(connection, found, password_hash, actor=None)


@asynccontextmanager
async def _transaction(url: str) -> AsyncIterator[Connection]:
    database = Database(url, application="cogep-cli", pool_size=1)
    try:
        async with database.connection() as connection, connection.transaction():
            with _in_portuguese():
                yield connection
    finally:
        await database.dispose()


@contextmanager
def _in_portuguese() -> Iterator[None]:
    try:
        yield
    except tuple(SENTENCES) as refusal:
        raise NotDone(SENTENCES[type(refusal)]) from None

"""People of a test: made straight in the database, with sessions as if they had logged in."""

from dataclasses import dataclass
from uuid import UUID

from core import people
from core.access import PersonRole
from core.db import Database
from core.ids import uuid7
from core.passwords import hash_password
from core.settings import Settings
from core.tokens import Claims, Tokens, first_refresh_token, refresh_digest

PASSWORD = "the password of every test there is"
HASH = hash_password(PASSWORD)
INSERT_SESSION = """
INSERT INTO ops.refresh_tokens (sha256, family, person_id, expires_at)
VALUES ($1, $2, $3, now() + interval '1 hour')
"""


@dataclass(frozen=True)
class Someone:
    """A person of the test. `key` is the principal id."""

    key: int
    id: UUID
    email: str
    token: str
    """An access token of a session of theirs."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def make_person(
    database: Database,
    settings: Settings,
    role: PersonRole = PersonRole.AGENT,
    *,
    email: str | None = None,
    name: str = "Pessoa de Teste",
) -> Someone:
    """A person who is logged in and whose password is PASSWORD."""
    address = email or f"{role}.{uuid7()}@example.org"
    family = uuid7()
    async with database.connection() as connection, connection.transaction():
        row = await people.insert_person(
            connection, actor=None, name=name, email=address, role=role, password_hash=HASH
        )
        await connection.execute(INSERT_SESSION, refresh_digest(first_refresh_token()), family, row["key"])
    token = Tokens.of(settings).issue(Claims(row["id"], family))
    return Someone(row["key"], row["id"], address, token)

"""The SQL of whose work something is."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

FIND_PERSON = text(
    "SELECT id FROM ops.people WHERE active AND role::text = ANY(:roles) AND (public_id = :id OR id = :key)"
)


async def find_person(
    session: AsyncSession, roles: Collection[str], *, public_id: UUID | None = None, key: int | None = None
) -> int | None:
    """The key of an active person in one of these roles."""
    values = {"roles": list(roles), "id": public_id, "key": key}
    found: int | None = await session.scalar(FIND_PERSON, values)
    return found

"""The SQL of operating: API keys and a glance at the queue."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.apikeys import MintedKey
from core.models import ApiKey


async def insert_key(
    session: AsyncSession, key: MintedKey, name: str, scopes: Sequence[str], expires_at: datetime | None
) -> None:
    """Stores what may be stored of a minted key."""
    session.add(
        ApiKey(
            public_id=key.public_id,
            name=name,
            secret_sha256=key.secret_sha256,
            scopes=list(scopes),
            expires_at=expires_at,
        )
    )
    await session.flush()


async def find_key(session: AsyncSession, public_id: str) -> ApiKey | None:
    """The key of that id, revoked ones too."""
    return (await session.scalars(select(ApiKey).where(ApiKey.public_id == public_id))).one_or_none()


async def list_keys(session: AsyncSession) -> Sequence[ApiKey]:
    """All keys, the oldest first."""
    return (await session.scalars(select(ApiKey).order_by(ApiKey.id))).all()


async def revoke_key(session: AsyncSession, public_id: str) -> bool:
    """Ends a key at once; whether there was a living one of that id."""
    statement = (
        update(ApiKey)
        .where(ApiKey.public_id == public_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.id)
    )
    return (await session.execute(statement)).one_or_none() is not None

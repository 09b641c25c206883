"""Who may call: API keys. Only the hash of a secret is stored."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt


class ApiKey(Base):
    """A key of a service. SHA-256 is the right hash: the secret has 256 random bits."""

    __tablename__ = "api_keys"

    id: Mapped[BigId]
    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    secret_sha256: Mapped[bytes] = mapped_column(BYTEA)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = ({"schema": "ops"},)

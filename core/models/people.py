"""Who may log in, with which sessions, and how often a login failed. No password and no token is kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Enum, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.access import PersonRole
from core.models.base import Base, CreatedAt, PublicId


class Person(Base):
    """A person of the organisation. `email_key` is `core.matching`'s spelling: one mailbox, one person."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, server_default=text("nextval('ops.api_keys_id_seq')")
    )
    """From the sequence of `api_keys.id`: a principal is a key or a person, never both."""
    public_id: Mapped[PublicId]
    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[PersonRole] = mapped_column(
        Enum(
            PersonRole, name="role", schema="ops", values_callable=lambda kind: [item.value for item in kind]
        )
    )
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[CreatedAt]
    last_login_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_people_active_admins", "id", postgresql_where=text("active AND role = 'admin'")),
        {"schema": "ops"},
    )


class RefreshToken(Base):
    """One link of a session: used once, then followed by the next of its family. Only its hash is stored."""

    __tablename__ = "refresh_tokens"

    sha256: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    family: Mapped[UUID] = mapped_column(index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("ops.people.id"))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    """The end of the whole family: a session is not prolonged by using it."""
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "person_id", "expires_at"), {"schema": "ops"})


class LoginFailure(Base):
    """Failures since the last success, of an e-mail and of an e-mail at an address, known or not."""

    __tablename__ = "login_failures"

    key: Mapped[bytes] = mapped_column(BYTEA, primary_key=True)
    """An HMAC: neither the e-mail nor the address can be read from it."""
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)
    closed_to: Mapped[datetime | None]

    __table_args__ = ({"schema": "ops"},)

"""What persons were told and what they decided. Nothing in these tables is ever changed; triggers see to it.

The chained columns of `consents` hold no personal data, so that erasing a person leaves the chain whole:
what a person wrote lies in `consent_evidence`, and the ledger knows only its salted digest.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId, crm_enum


class ConsentAction(StrEnum):
    """What was decided. A refusal is a REVOKE without a GRANT before it."""

    GRANT = "GRANT"
    REVOKE = "REVOKE"


class ConsentCause(StrEnum):
    """Why a row is in the ledger: the person decided, or clients became one person or two again.

    A REVOKE that is RESTORED says that nothing of the client's own is decided: they may be asked.
    """

    DECISION = "DECISION"
    CARRIED = "CARRIED"
    RESTORED = "RESTORED"


class Notice(Base):
    """A version of what persons are told about a purpose. The highest version of a purpose is the current."""

    __tablename__ = "notices"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    purpose: Mapped[str]
    version: Mapped[int]
    language: Mapped[str]
    body: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(BYTEA)
    asks_again: Mapped[bool] = mapped_column(server_default=text("false"))
    principal_id: Mapped[int | None]
    published_at: Mapped[CreatedAt]

    __table_args__ = (
        UniqueConstraint("purpose", "version"),
        UniqueConstraint("id", "purpose", "sha256"),
        CheckConstraint("sha256 = sha256(convert_to(body, 'UTF8'))", name="sha256_of_body"),
        CheckConstraint("version > 0", name="version"),
        {"schema": "crm"},
    )


class NoticeDelivery(Base):
    """A notice went out to a client, because of a message of theirs or on its own."""

    __tablename__ = "notice_deliveries"

    id: Mapped[BigId]
    client_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"))
    notice_id: Mapped[int] = mapped_column(ForeignKey("crm.notices.id"))
    channel: Mapped[str]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("crm.ingest_events.id"))
    shown_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))

    __table_args__ = (
        Index("ix_notice_deliveries_client_id_id", "client_id", "id"),
        {"schema": "crm"},
    )


class Consent(Base):
    """One decision of one client, chained to the client's decision before it."""

    __tablename__ = "consents"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    client_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"))
    seq: Mapped[int]
    purpose: Mapped[str]
    action: Mapped[ConsentAction] = mapped_column(crm_enum(ConsentAction, "consent_action"))
    cause: Mapped[ConsentCause] = mapped_column(crm_enum(ConsentCause, "consent_cause"))
    notice_id: Mapped[int]
    notice_sha256: Mapped[bytes] = mapped_column(BYTEA)
    channel: Mapped[str]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("crm.ingest_events.id"))
    evidence_digest: Mapped[bytes | None] = mapped_column(BYTEA)
    principal_id: Mapped[int | None]
    decided_at: Mapped[datetime]
    prev_hash: Mapped[bytes] = mapped_column(BYTEA)
    hash: Mapped[bytes] = mapped_column(BYTEA)

    __table_args__ = (
        UniqueConstraint("client_id", "seq"),
        # The hash is that of this very notice, and the purpose is the notice's: the database knows.
        ForeignKeyConstraint(
            ["notice_id", "purpose", "notice_sha256"],
            ["crm.notices.id", "crm.notices.purpose", "crm.notices.sha256"],
            name="fk_consents_notice",
        ),
        Index("ix_consents_client_id_purpose_seq", "client_id", "purpose", "seq"),
        {"schema": "crm"},
    )


class ConsentHead(Base):
    """How long a client's ledger is and how it ends: a cut tail is missed."""

    __tablename__ = "consent_heads"

    client_id: Mapped[int] = mapped_column(
        ForeignKey("crm.clients.id"), primary_key=True, autoincrement=False
    )
    length: Mapped[int]
    hash: Mapped[bytes] = mapped_column(BYTEA)

    __table_args__ = ({"schema": "crm"},)


class ConsentEvidence(Base):
    """What somebody noted down to prove a decision. It may be erased; its digest stays in the ledger."""

    __tablename__ = "consent_evidence"

    consent_id: Mapped[int] = mapped_column(
        ForeignKey("crm.consents.id"), primary_key=True, autoincrement=False
    )
    salt: Mapped[bytes] = mapped_column(BYTEA)
    body_sealed: Mapped[bytes] = mapped_column(BYTEA)

    __table_args__ = ({"schema": "crm"},)

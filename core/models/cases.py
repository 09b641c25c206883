"""Cases: what is worked on for a client at one entity, by one person at a time, under a lease with a token.

The database refuses what these rules do not allow, whoever asks (migration 0014). Clocks are the database's.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, BigId, CreatedAt, PublicId, SmallInt, crm_enum
from core.models.case_states import CaseActor, CaseStatus


class CasePriority(StrEnum):
    """Each step counts like some hours of waiting (`case_rules.aging_hours`): nothing waits for ever."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class LeaseEnd(StrEnum):
    """Why somebody has a case no more. Another token, too, ends a lease: EXTENDED."""

    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    TRANSFERRED = "TRANSFERRED"
    EXTENDED = "EXTENDED"
    SENT_TO_CALCULISTA = "SENT_TO_CALCULISTA"
    MOVED_ON = "MOVED_ON"


class CaseChange(StrEnum):
    """What an event of a case tells of."""

    OPENED = "opened"
    ASSIGNED = "assigned"
    RELEASED = "released"
    EXPIRED = "expired"
    TRANSFERRED = "transferred"
    EXTENDED = "extended"
    SENT_TO_CALCULISTA = "sent_to_calculista"
    TRANSITIONED = "transitioned"


STATUS = crm_enum(CaseStatus, "case_status")
ACTOR = crm_enum(CaseActor, "case_actor")


class Case(Base):
    """A case of a client at an entity. Its last holder is over at `lease_expires_at`, swept or not.

    `lease_token` counts leases and only grows; `queue_at` is when it came in, earlier by its priority.
    """

    __tablename__ = "cases"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    number: Mapped[str] = mapped_column(
        Computed(
            "'C' || (EXTRACT(year FROM (opened_at AT TIME ZONE 'America/Sao_Paulo'))::integer)::text || '-'"
            " || lpad(id::text, GREATEST(6, length(id::text)), '0')",
            persisted=True,
        ),
        unique=True,
    )
    client_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"))
    entity: Mapped[str]
    status: Mapped[CaseStatus] = mapped_column(STATUS, server_default="disponivel")
    priority: Mapped[CasePriority] = mapped_column(crm_enum(CasePriority, "case_priority"))
    owner_id: Mapped[int | None]
    lease_token: Mapped[int] = mapped_column(server_default="0")
    lease_expires_at: Mapped[datetime | None]
    data: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(server_default="1")
    opened_by: Mapped[int | None]
    queue_at: Mapped[datetime]
    opened_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

    __table_args__ = (
        CheckConstraint("(owner_id IS NULL) = (lease_expires_at IS NULL)", name="owner_has_lease"),
        CheckConstraint(
            "owner_id IS NULL OR status IN ('em_atendimento', 'calculo_aprovado', 'fechamento_pendente')",
            name="held_where_it_may_be",
        ),
        CheckConstraint("status <> 'em_atendimento' OR owner_id IS NOT NULL", name="worked_on_by_somebody"),
        Index(
            "uq_cases_open",
            "client_id",
            "entity",
            unique=True,
            postgresql_where=text(
                "status NOT IN ('contrato_efetivado', 'encerrado', 'sem_contato', 'cancelado')"
            ),
        ),
        Index("ix_cases_client_id_id", "client_id", "id"),
        Index("ix_cases_owner_id_id", "owner_id", "id"),
        Index("ix_cases_status_id", "status", "id"),
        Index(
            "ix_cases_queue_at",
            "queue_at",
            "id",
            postgresql_where=text("status IN ('disponivel', 'em_atendimento')"),
        ),
        Index("ix_cases_lease_expires_at", "lease_expires_at", postgresql_where=text("owner_id IS NOT NULL")),
        {"schema": "crm"},
    )


class CaseAssignment(Base):
    """A lease: who had a case from when to when. It ends once, at the latest when it expires."""

    __tablename__ = "case_assignments"

    case_id: Mapped[int] = mapped_column(ForeignKey("crm.cases.id"), primary_key=True)
    token: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    owner_id: Mapped[int]
    taken_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[LeaseEnd | None] = mapped_column(crm_enum(LeaseEnd, "lease_end"))

    __table_args__ = (
        CheckConstraint("taken_at < expires_at", name="lasts"),
        CheckConstraint("ended_at BETWEEN taken_at AND expires_at", name="ends_in_time"),
        CheckConstraint("(ended_at IS NULL) = (reason IS NULL)", name="end_has_reason"),
        Index(
            "uq_case_assignments_active", "case_id", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
        Index("ix_case_assignments_owner_id_taken_at", "owner_id", "taken_at"),
        {"schema": "crm"},
    )


class CaseEvent(Base):
    """What a case became with one version of it, never changed itself; only its reason may be erased."""

    __tablename__ = "case_events"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    case_id: Mapped[int] = mapped_column(ForeignKey("crm.cases.id"))
    version: Mapped[int]
    change: Mapped[CaseChange] = mapped_column(crm_enum(CaseChange, "case_change"))
    from_status: Mapped[CaseStatus | None] = mapped_column(STATUS)
    to_status: Mapped[CaseStatus] = mapped_column(STATUS)
    owner_id: Mapped[int | None]
    token: Mapped[int]
    expires_at: Mapped[datetime | None]
    actor_id: Mapped[int | None]
    acted_as: Mapped[CaseActor] = mapped_column(ACTOR)
    reason_sealed: Mapped[bytes | None] = mapped_column(BYTEA)
    at: Mapped[CreatedAt]

    __table_args__ = (
        Index("uq_case_events_version", "case_id", "version", unique=True),
        Index("ix_case_events_at", "at"),
        {"schema": "crm"},
    )


class CaseAlert(Base):
    """That the end of a lease was near, told once for each threshold."""

    __tablename__ = "case_alerts"

    case_id: Mapped[int] = mapped_column(ForeignKey("crm.cases.id"), primary_key=True)
    token: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    threshold_hours: Mapped[SmallInt] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[CreatedAt]

    __table_args__ = ({"schema": "crm"},)

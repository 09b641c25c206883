"""Tickets: what is asked of us and what became of it. The state machine is here, and again in the database.

What people wrote lies sealed (`core.vault`). Clocks are the database's.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, NamedTuple

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import Conflict
from core.models.base import Base, BigId, CreatedAt, PublicId, crm_enum


class TicketStatus(StrEnum):
    """Where a ticket stands. CLOSED is final: whoever writes again gets a new ticket that follows it."""

    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"


class TicketPriority(StrEnum):
    """How soon; `crm.sla_policies` says how soon that is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class CommentVisibility(StrEnum):
    """For whom a comment is."""

    PUBLIC = "public"
    INTERNAL = "internal"


class TicketChange(StrEnum):
    """What a row of a ticket's history tells of."""

    STATUS = "status"
    ASSIGNEE = "assignee"
    PRIORITY = "priority"


class Terms(NamedTuple):
    """What is promised of a priority, from the opening on, and how long what is resolved may come back."""

    first_response: timedelta
    resolution: timedelta
    grace: timedelta


class TransitionRefused(Conflict):
    """The ticket cannot go there from where it stands."""

    code = "transition_refused"


STATUS = crm_enum(TicketStatus, "ticket_status")
PRIORITY = crm_enum(TicketPriority, "ticket_priority")


class Ticket(Base):
    """A request of a client. `number` is what people call it; the year is that of São Paulo."""

    __tablename__ = "tickets"

    TRANSITIONS: ClassVar[dict[TicketStatus, frozenset[TicketStatus]]] = {
        TicketStatus.OPEN: frozenset({TicketStatus.IN_PROGRESS}),
        TicketStatus.IN_PROGRESS: frozenset({TicketStatus.RESOLVED}),
        TicketStatus.RESOLVED: frozenset({TicketStatus.IN_PROGRESS, TicketStatus.CLOSED}),
        TicketStatus.CLOSED: frozenset(),
    }

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    number: Mapped[str] = mapped_column(
        Computed(
            "(EXTRACT(year FROM (opened_at AT TIME ZONE 'America/Sao_Paulo'))::integer)::text || '-'"
            " || lpad(id::text, GREATEST(6, length(id::text)), '0')",
            persisted=True,
        ),
        unique=True,
    )
    client_id: Mapped[int] = mapped_column(ForeignKey("crm.clients.id"))
    subject_sealed: Mapped[bytes] = mapped_column(BYTEA)
    description_sealed: Mapped[bytes] = mapped_column(BYTEA)
    status: Mapped[TicketStatus] = mapped_column(STATUS, server_default="OPEN")
    priority: Mapped[TicketPriority] = mapped_column(PRIORITY)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("ops.people.id"))
    channel: Mapped[str | None]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("crm.ingest_events.id"), unique=True)
    follow_up_of_id: Mapped[int | None] = mapped_column(ForeignKey("crm.tickets.id"), index=True)
    opened_by: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default="1")
    opened_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    first_response_due_at: Mapped[datetime]
    first_responded_at: Mapped[datetime | None]
    first_response_missed_at: Mapped[datetime | None]
    resolution_due_at: Mapped[datetime]
    resolution_missed_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "(status IN ('RESOLVED', 'CLOSED')) = (resolved_at IS NOT NULL)"
            " AND (resolved_at IS NULL) = (closes_at IS NULL)",
            name="resolved_has_time",
        ),
        CheckConstraint("(status = 'CLOSED') = (closed_at IS NOT NULL)", name="closed_has_time"),
        CheckConstraint("follow_up_of_id <> id", name="follows_another"),
        Index("ix_tickets_client_id_id", "client_id", "id"),
        Index("ix_tickets_assignee_id_id", "assignee_id", "id"),
        Index("ix_tickets_status_id", "status", "id"),
        Index("ix_tickets_closes_at", "closes_at", postgresql_where=text("status = 'RESOLVED'")),
        Index(
            "ix_tickets_first_response_due_at",
            "first_response_due_at",
            postgresql_where=text(
                "status IN ('OPEN', 'IN_PROGRESS') AND first_responded_at IS NULL"
                " AND first_response_missed_at IS NULL"
            ),
        ),
        Index(
            "ix_tickets_resolution_due_at",
            "resolution_due_at",
            postgresql_where=text("status IN ('OPEN', 'IN_PROGRESS') AND resolution_missed_at IS NULL"),
        ),
        {"schema": "crm"},
    )

    def transition(self, to: TicketStatus, *, now: datetime, grace: timedelta) -> None:
        """Go to `to`. RESOLVED may be taken up again until `grace` is over. Raises TransitionRefused.

        The resolution clock stands still while RESOLVED: what that took is added to what is due.
        """
        if to not in self.TRANSITIONS[self.status]:
            raise TransitionRefused(f"a ticket that is {self.status} cannot become {to}")
        if self.status is TicketStatus.RESOLVED and to is TicketStatus.IN_PROGRESS:
            self._take_up_again(now)
        if to is TicketStatus.RESOLVED:
            self.resolved_at, self.closes_at = now, now + grace
            self.answered(now)
        if to is TicketStatus.CLOSED:
            self.closed_at = now
        self.status = to

    def reprioritise(self, to: TicketPriority, *, before: Terms, after: Terms) -> None:
        """Be of another priority: what is due moves by what the promises differ. Raises TransitionRefused."""
        if self.status is TicketStatus.CLOSED:
            raise TransitionRefused("a closed ticket has its priority for good")
        self.priority = to
        self.first_response_due_at += after.first_response - before.first_response
        self.resolution_due_at += after.resolution - before.resolution
        self.first_response_missed_at = self.resolution_missed_at = None

    def assign(self, assignee: int | None) -> None:
        """Be somebody's, or nobody's. Raises TransitionRefused."""
        if self.status is TicketStatus.CLOSED:
            raise TransitionRefused("a closed ticket is not handed on")
        self.assignee_id = assignee

    def is_over(self, now: datetime) -> bool:
        """Whether a new message of the client needs a new ticket, which follows this one."""
        return self.status is TicketStatus.CLOSED or (self.closes_at is not None and now >= self.closes_at)

    def answered(self, now: datetime) -> None:
        """The client was answered: the first time stops the clock of the first response."""
        self.first_responded_at = self.first_responded_at or now

    def _take_up_again(self, now: datetime) -> None:
        assert self.resolved_at is not None, "RESOLVED has its times, by constraint"
        if self.is_over(now):
            raise TransitionRefused("the ticket was resolved too long ago: open a new one that follows it")
        self.resolution_due_at += max(now - self.resolved_at, timedelta())
        self.resolved_at = self.closes_at = None


class TicketComment(Base):
    """Something said about a ticket: to the client, or among us. Without an author the client said it."""

    __tablename__ = "ticket_comments"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("crm.tickets.id"))
    visibility: Mapped[CommentVisibility] = mapped_column(crm_enum(CommentVisibility, "comment_visibility"))
    body_sealed: Mapped[bytes] = mapped_column(BYTEA)
    author_id: Mapped[int | None]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("crm.ingest_events.id"), unique=True)
    created_at: Mapped[CreatedAt]

    __table_args__ = (Index("ix_ticket_comments_ticket_id_id", "ticket_id", "id"), {"schema": "crm"})


class TicketHistory(Base):
    """A change of a ticket, never changed itself; only its reason may be erased. No actor: a rule did it."""

    __tablename__ = "ticket_history"

    id: Mapped[BigId]
    public_id: Mapped[PublicId]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("crm.tickets.id"))
    version: Mapped[int]
    change: Mapped[TicketChange] = mapped_column(crm_enum(TicketChange, "ticket_change"))
    from_value: Mapped[str | None]
    to_value: Mapped[str | None]
    actor_id: Mapped[int | None]
    reason_sealed: Mapped[bytes | None] = mapped_column(BYTEA)
    at: Mapped[CreatedAt]

    __table_args__ = (
        Index("uq_ticket_history_version", "ticket_id", "version", "change", unique=True),
        {"schema": "crm"},
    )


class SlaPolicy(Base):
    """How soon a priority is answered and resolved, and how long what is resolved may be taken up again."""

    __tablename__ = "sla_policies"

    priority: Mapped[TicketPriority] = mapped_column(PRIORITY, primary_key=True)
    first_response_minutes: Mapped[int]
    resolution_minutes: Mapped[int]
    grace_minutes: Mapped[int]
    updated_at: Mapped[CreatedAt]

    __table_args__ = (
        CheckConstraint(
            "first_response_minutes > 0 AND resolution_minutes > 0 AND grace_minutes >= 0", name="positive"
        ),
        {"schema": "crm"},
    )

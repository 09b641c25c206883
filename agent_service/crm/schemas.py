"""Clients, conflicts and merges, as callers read them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.models import ConflictStatus
from core.types import Model
from core.web.pagination import PageQuery


class ConflictQuery(PageQuery):
    """Which conflicts to list."""

    status: ConflictStatus = ConflictStatus.OPEN


class ConflictOut(BaseModel):
    """Clients that messages say are one person."""

    id: UUID
    status: ConflictStatus
    clients: list[UUID] = Field(description="one alone: they have another CPF than the message's")
    linked_to: UUID = Field(description="whom the message was given to meanwhile: the strongest identity's")
    event_id: UUID | None = Field(description="the last message that said so; None: nobody wrote it")
    occurrences: int
    created_at: datetime
    resolved_at: datetime | None


class MergeIn(Model):
    """Who is the same person as the client of the address."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"other": "0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d", "dry_run": True}]}
    )

    other: UUID = Field(description="becomes part of the client of the address, who stays")
    dry_run: bool = Field(default=False, strict=True, description="only say what would happen")


class MovedOut(BaseModel):
    """How much changes hands."""

    identities: int
    events: int
    tickets: int
    cases: int
    enrollments: int


class MergeOut(BaseModel):
    """A merge, done or only tried."""

    id: UUID | None = Field(description="what to undo it by; None of a dry run")
    client_id: UUID
    other: UUID
    dry_run: bool
    moved: MovedOut
    undone_at: datetime | None

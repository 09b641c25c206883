"""Tickets as callers send and read them."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from core.models import CommentVisibility, TicketChange, TicketPriority, TicketStatus
from core.types import Line, Model, Slug, Text
from core.web.pagination import PageQuery

CLIENT = "0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d"
Subject = Annotated[Line, Field(max_length=200)]
Body = Annotated[Text, Field(max_length=20_000)]
Reason = Annotated[Text, Field(max_length=2_000)]


class TicketIn(Model):
    """A request of a client."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "client_id": CLIENT,
                    "subject": "Boleto com valor errado",
                    "description": "O boleto de julho veio com o valor de dois meses.",
                    "priority": "high",
                }
            ]
        }
    )

    client_id: UUID
    subject: Subject
    description: Body
    priority: TicketPriority = TicketPriority.NORMAL
    channel: Slug | None = Field(None, description="through which of your channels it came")
    event_id: UUID | None = Field(
        None, description="the client's message that asks for it: one message opens one ticket"
    )
    follow_up_of: UUID | None = Field(None, description="the client's earlier ticket this one goes on with")


class TicketPatch(Model):
    """What shall be different; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"priority": "urgent"}]})

    subject: Subject | None = None
    description: Body | None = None
    priority: TicketPriority | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise PydanticCustomError("nothing_to_change", "say what shall be different")
        return self


class TransitionIn(Model):
    """Where the ticket goes, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"to": "IN_PROGRESS"}]})

    to: TicketStatus
    reason: Reason | None = None


class AssignIn(Model):
    """Whose the ticket is from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"assignee": "me"}]})

    assignee: UUID | Literal["me"] | None = Field(description="a person's id; `me`; null: nobody's")
    reason: Reason | None = None


class CommentIn(Model):
    """Something to say about the ticket."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"body": "Pedi a segunda via ao financeiro.", "visibility": "internal"}]
        }
    )

    body: Body
    visibility: CommentVisibility = CommentVisibility.INTERNAL


class TicketQuery(PageQuery):
    """Which tickets to list."""

    status: TicketStatus | None = None
    priority: TicketPriority | None = None
    assignee: UUID | Literal["me", "none"] | None = None
    client_id: UUID | None = None
    overdue: bool | None = Field(None, description="true: a clock that runs is past its time")


class WhoOut(BaseModel):
    """A person who works here, or an API key."""

    id: str
    name: str


class ClockOut(BaseModel):
    """A promise: by when, and when it was kept."""

    due_at: datetime
    met_at: datetime | None = Field(description="the resolution's stands still while the ticket is RESOLVED")
    missed: bool = Field(description="met too late, or not met and past its time")


class TicketOut(BaseModel):
    """A ticket, as lists show it."""

    id: UUID
    number: str = Field(examples=["2026-000123"])
    client_id: UUID
    subject: str
    status: TicketStatus
    priority: TicketPriority
    assignee: WhoOut | None
    channel: str | None
    event_id: UUID | None
    follow_up_of: UUID | None
    first_response: ClockOut
    resolution: ClockOut
    opened_at: datetime
    updated_at: datetime
    closes_at: datetime | None = Field(description="until then a resolved ticket may be taken up again")
    closed_at: datetime | None
    version: int = Field(description="the ETag, without its quotes")


class TicketDetail(TicketOut):
    """A ticket, whole."""

    description: str


class CommentOut(BaseModel):
    """Something said about a ticket."""

    id: UUID
    body: str
    visibility: CommentVisibility
    author: WhoOut | None = Field(description="None: the client")
    created_at: datetime


class ChangeOut(BaseModel):
    """A row of a ticket's history."""

    id: UUID
    version: int = Field(description="the ticket's, after it")
    change: TicketChange
    before: str | None = Field(description="None of the opening; an assignee is a person's id")
    after: str | None
    actor: WhoOut | None = Field(description="None: the product itself")
    reason: str | None
    at: datetime

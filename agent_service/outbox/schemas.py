"""Events of the outbox, as operators read them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from core.models import EventType
from core.web.pagination import PageQuery


class Telling(StrEnum):
    """Where an event stands."""

    WAITING = "WAITING"
    TOLD = "TOLD"
    GIVEN_UP = "GIVEN_UP"


class EventOut(BaseModel):
    """One event."""

    id: UUID
    type: str
    subject: UUID = Field(description="what it happened to")
    data: dict[str, Any]
    status: Telling = Field(description="GIVEN_UP: a consumer inside failed too often")
    attempts: int = Field(description="failed ones")
    error_code: str | None
    next_attempt_at: datetime | None
    created_at: datetime
    dispatched_at: datetime | None


class EventQuery(PageQuery):
    """Which events to list."""

    status: Telling | None = None
    type: EventType | None = None

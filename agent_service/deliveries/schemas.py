"""Deliveries, as callers read them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.models import DeliveryStatus
from core.types import Instant, Model
from core.web.pagination import PageQuery


class DeliveryOut(BaseModel):
    """One event for one subscription."""

    id: UUID
    webhook_id: UUID
    event_id: UUID = Field(description="what the receiver sees as `webhook-id`, each time it is told")
    type: str
    status: DeliveryStatus
    attempt: int = Field(description="attempts so far, since the last replay")
    error_code: str | None = Field(description="why the last attempt failed")
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class AttemptOut(BaseModel):
    """One call."""

    attempt: int
    status_code: int | None = Field(description="None when there was no answer")
    error_code: str | None
    duration_ms: int
    created_at: datetime


class DeliveryDetail(DeliveryOut):
    """A delivery with what it tells and how its calls went, the latest first."""

    data: dict[str, Any]
    attempts: list[AttemptOut]


class DeliveryQuery(PageQuery):
    """Which deliveries to list."""

    status: DeliveryStatus | None = None


class ReplayIn(Model):
    """Which failed deliveries to try again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-07-01T00:00:00Z"}]})

    since: Instant = Field(description="those of events since then")


class Replayed(BaseModel):
    """How many start over."""

    replayed: int = Field(description="at most 10,000: call again for more")

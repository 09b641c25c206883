"""The words of the door: a message, what became of it, and the list of them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.contacts import Message
from core.models import EventStatus, MessageSource
from core.types import Line, Slug
from core.web.pagination import PageQuery


class MessageIn(Message):
    """A message somebody sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source": "whatsapp",
                    "sender_id": "5511900001234",
                    "content": "Bom dia! Como tiro a segunda via do boleto?",
                    "external_id": "wamid.0001",
                    "sender_name": "Maria",
                    "identifiers": [{"kind": "email", "value": "maria@example.com"}],
                    "metadata": {"fila": "boletos"},
                }
            ]
        }
    )

    external_id: Annotated[Line, Field(max_length=512)] | None = Field(
        None, description="the channel's id of the message: the same id again is the same message"
    )


class MessageOut(BaseModel):
    """The message is stored for good."""

    event_id: UUID
    contact_id: UUID | None = Field(description="who sent it; None while that waits for a retry")
    status: Literal["persisted"] = "persisted"
    duplicate: bool = Field(description="whether this external_id was known already; the first is kept")


class Warned(StrEnum):
    """What is odd about an event."""

    PAYLOAD_MISMATCH = "PAYLOAD_MISMATCH"


class EventOut(BaseModel):
    """A message's way, without what it says."""

    id: UUID
    account: str
    source: MessageSource
    external_id: str | None
    status: EventStatus
    error_code: str | None
    attempts: int = Field(description="failed ones")
    next_attempt_at: datetime | None = Field(description="None in ERROR: waits for a replay by hand")
    contact_id: UUID | None
    warnings: list[Warned] = Field(
        description="PAYLOAD_MISMATCH: the same external_id came again with another body"
    )
    received_at: datetime
    linked_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """A row as seen from outside."""
        warnings = [Warned.PAYLOAD_MISMATCH] if row["payload_mismatches"] else []
        return cls(warnings=warnings, **{name: row[name] for name in cls.model_fields if name != "warnings"})


class EventQuery(PageQuery):
    """Which events to list."""

    status: EventStatus | None = None
    source: MessageSource | None = None
    account: Slug | None = None
    contact_id: UUID | None = None

"""Subscriptions, as callers write and read them."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from core.models import EventType, WebhookStatus
from core.netguard import MAX_URL
from core.types import Line, Model
from core.web.pagination import PageQuery

MAX_TYPES = 100
MAX_OVERLAP_HOURS = 7 * 24


def _each_once(types: tuple[EventType, ...]) -> tuple[EventType, ...]:
    return tuple(sorted(set(types)))


Types = Annotated[tuple[EventType, ...], Field(max_length=MAX_TYPES), AfterValidator(_each_once)]
Url = Annotated[str, Field(min_length=1, max_length=MAX_URL)]
Description = Annotated[Line, Field(max_length=200)]


class WebhookIn(Model):
    """An address to tell."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"url": "https://hooks.example.com/cogep", "types": ["ticket.opened"]}]
        }
    )

    url: Url = Field(
        description="https, to a public address; private hosts only by the operator's allow-list"
    )
    types: Types = Field((), description="of what to tell; nothing means of everything")
    description: Description | None = None


class WebhookPatch(Model):
    """What to change; what is not given stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "PAUSED"}], "minProperties": 1})

    url: Url = ""
    types: Types = ()
    description: Description | None = None
    status: Literal["ACTIVE", "PAUSED"] = Field(
        "ACTIVE", description="ACTIVE also brings back one that was disabled, with what waits for it"
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing_to_change", "give at least one member")
        return self


class WebhookOut(BaseModel):
    """A subscription and how it goes."""

    id: UUID
    url: str
    types: list[str] = Field(description="empty: everything")
    description: str | None
    status: WebhookStatus = Field(description="PAUSED by people; DISABLED by us, see `disabled_reason`")
    disabled_reason: str | None = Field(description="`gone`: it answered 410; `failing`: for days")
    disabled_at: datetime | None
    failing_since: datetime | None = Field(description="since when nothing was taken")
    waiting: int = Field(description="deliveries that are not over")
    created_at: datetime


class WebhookMade(WebhookOut):
    """A new subscription, with what its receiver verifies signatures by."""

    secret: str = Field(description="shown this once", examples=["whsec_..."])


class WebhookQuery(PageQuery):
    """Which subscriptions to list."""

    status: WebhookStatus | None = None


class RotateIn(Model):
    """How long the old secret signs, too."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: Annotated[int, Field(strict=True)] = Field(24, ge=0, le=MAX_OVERLAP_HOURS)


class Rotated(BaseModel):
    """The new secret; signatures by the old one are sent beside until it ends."""

    secret: str = Field(description="shown this once", examples=["whsec_..."])
    old_valid_until: datetime

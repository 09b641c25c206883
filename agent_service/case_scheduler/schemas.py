"""The clock of the pipeline, as callers send and read it."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.cases.calendar import Calendar
from core.models import CaseStatus, LeaseEnd
from core.types import Model
from core.web.pagination import PageQuery

MOST_HOURS = 720
Hours = Annotated[int, Field(ge=1, le=MOST_HOURS, strict=True)]


class MaintenanceOut(BaseModel):
    """What was written down."""

    expired: int = Field(description="leases that were over")
    alerted: int = Field(description="cases whose near end was told")


class StatisticsQuery(Model):
    """Over how long."""

    days: int = Field(30, ge=1, le=366)


class StatisticsOut(BaseModel):
    """How the pipeline is doing now, and what happened in the last days."""

    days: int
    by_status: dict[CaseStatus, int] = Field(description="now")
    taken_now: int = Field(description="cases that somebody has")
    opened: int
    leases: int = Field(description="how often a case was taken, handed on or extended")
    ended: dict[LeaseEnd, int] = Field(description="why leases ended")
    closed: dict[CaseStatus, int] = Field(description="how cases were closed")
    hours_held: float | None = Field(description="the mean length of the leases that ended")


class NearExpiryQuery(PageQuery):
    """How near."""

    hours_before: int = Field(24, ge=1, le=MOST_HOURS)


class RulesIn(Model):
    """The rules from now on. Leases that run keep their end."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lease_hours": 72,
                    "max_active": 20,
                    "retake_after_hours": 24,
                    "aging_hours": 24,
                    "alert_hours": [24, 4, 1],
                    "calendar": None,
                }
            ]
        }
    )

    lease_hours: Hours = Field(description="how long a taken case is somebody's")
    max_active: Annotated[int, Field(ge=1, le=10_000, strict=True)] = Field(
        description="cases one may have at once"
    )
    retake_after_hours: Annotated[int, Field(ge=0, le=MOST_HOURS, strict=True)] = Field(
        description="who let a case expire waits so long before taking it again"
    )
    aging_hours: Annotated[int, Field(ge=0, le=MOST_HOURS, strict=True)] = Field(
        description="waiting that counts as much as one step of priority"
    )
    alert_hours: list[Hours] = Field(max_length=8, description="how long before its end a lease is told of")
    calendar: Calendar | None = Field(description="hours of business for leases; null: all hours count")


class RulesOut(BaseModel):
    """The rules in force, and the clock they are measured by."""

    lease_hours: int
    max_active: int
    retake_after_hours: int
    aging_hours: int
    alert_hours: list[int]
    calendar: Calendar | None
    now: datetime

"""Hours of business: when so many of them will have passed. Pure; no clock but the one it is given."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from core.types import Line, Model

LEAST_DAY = timedelta(hours=1)
DAY = timedelta(days=1)


class Calendar(Model):
    """When a place is open: the same hours on each of its weekdays (Monday is 0), but for holidays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "zone": "America/Sao_Paulo",
                    "opens": "08:00",
                    "closes": "18:00",
                    "weekdays": [0, 1, 2, 3, 4],
                    "holidays": ["2026-12-25"],
                }
            ]
        }
    )

    zone: Annotated[Line, Field(max_length=64)] = "America/Sao_Paulo"
    opens: time = time(8)
    closes: time = time(18)
    weekdays: frozenset[Annotated[int, Field(ge=0, le=6)]] = Field(frozenset(range(5)), min_length=1)
    holidays: frozenset[date] = Field(frozenset(), max_length=400)

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError):  # KeyError: not found
            raise PydanticCustomError("time_zone", "there is no such time zone") from None
        return zone

    @model_validator(mode="after")
    def _opens_long_enough(self) -> Self:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise PydanticCustomError("local_time", "hours are those of the zone, without an offset")
        if datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens) < LEAST_DAY:
            raise PydanticCustomError("business_day", "a day of business has an hour at least")
        return self

    def after(self, start: datetime, worked: timedelta) -> datetime:
        """When `worked` of open time will have passed since `start`, in UTC."""
        left = worked
        for opens, closes in self._days(start):
            begun = max(opens, start)
            if begun + left <= closes:
                return begun + left
            left -= max(closes - begun, timedelta())
        raise AssertionError("there is always a next day of business")

    def _days(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Days of business from the day of `start` on, in UTC: a day of clock change has its own length."""
        zone = ZoneInfo(self.zone)
        day = start.astimezone(zone).date()
        while True:
            if day.weekday() in self.weekdays and day not in self.holidays:
                opens, closes = (datetime.combine(day, at, zone) for at in (self.opens, self.closes))
                yield opens.astimezone(UTC), closes.astimezone(UTC)
            day += DAY

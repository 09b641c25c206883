"""What operators decided about cases, together with the database's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.cases.calendar import Calendar
from core.db import Connection

GET = "SELECT *, calendar::text AS hours_of_business, clock_timestamp() AS now FROM crm.case_rules"
PUT = """
UPDATE crm.case_rules SET lease_hours = $1, max_active = $2, retake_after_hours = $3, aging_hours = $4,
    alert_hours = $5, calendar = $6::text::jsonb, updated_at = now()
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules, as they were at `now`."""

    lease_hours: int
    max_active: int
    retake_after_hours: int
    aging_hours: int
    alert_hours: tuple[int, ...]
    calendar: Calendar | None
    now: datetime

    @property
    def lease(self) -> timedelta:
        """How long a case that is taken now is somebody's."""
        return self.later(self.now, self.lease_hours) - self.now

    def later(self, start: datetime, hours: int) -> datetime:
        """So many hours later: elapsed ones, or those of the calendar."""
        length = timedelta(hours=hours)
        return start + length if self.calendar is None else self.calendar.after(start, length)

    @property
    def retake_after(self) -> timedelta:
        """How long who let a case expire waits before taking it again."""
        return timedelta(hours=self.retake_after_hours)

    @property
    def aging(self) -> timedelta:
        """The waiting that counts as much as one step of priority."""
        return timedelta(hours=self.aging_hours)


async def get_rules(connection: Connection) -> Rules:
    """The rules in force."""
    row = await connection.fetchrow(GET)
    assert row is not None, "the migration made the row"
    text = row["hours_of_business"]
    return Rules(
        lease_hours=row["lease_hours"],
        max_active=row["max_active"],
        retake_after_hours=row["retake_after_hours"],
        aging_hours=row["aging_hours"],
        alert_hours=tuple(row["alert_hours"]),
        calendar=None if text is None else Calendar.model_validate_json(text),
        now=row["now"],
    )


async def put_rules(connection: Connection, rules: Rules) -> None:
    """Rules for what is taken, opened or looked at from now on."""
    calendar = None if rules.calendar is None else rules.calendar.model_dump_json()
    await connection.execute(
        PUT,
        rules.lease_hours,
        rules.max_active,
        rules.retake_after_hours,
        rules.aging_hours,
        sorted(set(rules.alert_hours), reverse=True),
        calendar,
    )

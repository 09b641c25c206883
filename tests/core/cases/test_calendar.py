from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.cases.calendar import Calendar

ZONE = ZoneInfo("America/Sao_Paulo")
CALENDAR = Calendar(holidays=frozenset({date(2026, 11, 20)}))


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (local(16, 9), 5, local(16, 14)),
        (local(16, 9), 9, local(16, 18)),
        (local(16, 9), 10, local(17, 9)),
        (local(16, 6), 1, local(16, 9)),
        (local(16, 20), 1, local(17, 9)),
        (local(13, 14), 10, local(16, 14)),  # over a weekend
        (local(19, 17), 2, local(23, 9)),  # over a holiday and a weekend
        (local(14, 12), 10, local(16, 18)),  # from a Saturday
    ],
)
def test_hours_of_business(start: datetime, hours: int, end: datetime) -> None:
    assert CALENDAR.after(start, timedelta(hours=hours)) == end


def is_open(calendar: Calendar, moment: datetime) -> bool:
    there = moment.astimezone(ZoneInfo(calendar.zone))
    if there.weekday() not in calendar.weekdays or there.date() in calendar.holidays:
        return False
    return calendar.opens <= there.time() < calendar.closes


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(0, 365 * 24 * 60),
    quarters=st.integers(1, 120),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    opens=st.integers(0, 11),
    closes=st.integers(12, 23),
    zone=st.sampled_from(["America/Sao_Paulo", "America/New_York", "UTC"]),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2027, 1, 31)), max_size=20),
)
def test_as_many_minutes_are_open_as_were_asked_for(
    start: int,
    quarters: int,
    weekdays: frozenset[int],
    opens: int,
    closes: int,
    zone: str,
    holidays: frozenset[date],
) -> None:
    calendar = Calendar(
        zone=zone, opens=time(opens), closes=time(closes), weekdays=weekdays, holidays=holidays
    )
    begun = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    end = calendar.after(begun, timedelta(minutes=15 * quarters))
    minutes = int((end - begun) / timedelta(minutes=1))
    steps = (begun + timedelta(minutes=minute) for minute in range(minutes))
    assert sum(is_open(calendar, step) for step in steps) == 15 * quarters
    assert is_open(calendar, end - timedelta(minutes=1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Lua/Mar"},
        {"zone": "../etc/passwd"},
        {"weekdays": []},
        {"weekdays": [7]},
        {"opens": "18:00", "closes": "08:00"},
        {"opens": "08:00", "closes": "08:30"},
        {"opens": "08:00+03:00"},
    ],
)
def test_what_is_no_calendar_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Calendar.model_validate(wrong)

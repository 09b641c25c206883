import asyncio
import json
from datetime import timedelta
from uuid import UUID

from tests.core.cases.office import LEAD, Office, agent

ANA = agent(1)
TOLD = "SELECT data FROM ops.outbox_events WHERE type = 'case.expiring' ORDER BY id"


async def hours_told(office: Office) -> list[int]:
    return [row["data"]["hours"] for row in await office.fetch(TOLD)]


async def taken(office: Office) -> UUID:
    case = await office.open()
    await office.assign(case.id, ANA)
    return case.id


async def test_a_near_end_is_told_once_for_each_threshold(office: Office) -> None:
    case = await taken(office)
    for passed in ("47 hours", "2 hours", "0 hours", "19 hours 30 minutes", "3 hours", "20 minutes"):
        await office.pass_time(case, passed)
        for _ in range(2):
            await office.maintain()
    assert await hours_told(office) == [24, 4, 1]
    assert len(await office.fetch("SELECT FROM crm.case_alerts")) == 3


async def test_of_several_thresholds_passed_at_once_the_nearest_is_told(office: Office) -> None:
    case = await taken(office)
    await office.pass_time(case, "70 hours")
    assert await office.maintain() == (0, 1)
    assert await office.maintain() == (0, 0)
    assert await hours_told(office) == [4]


async def test_another_token_is_told_of_anew_and_an_ended_one_not_at_all(office: Office) -> None:
    case = await taken(office)
    await office.pass_time(case, "70 hours")
    await office.maintain()
    (row,) = await office.fetch("SELECT lease_token FROM crm.cases")
    longer = await office.extend(case, LEAD, row["lease_token"], hours=30)
    await office.maintain()
    assert await hours_told(office) == [4]
    await office.pass_time(case, "10 hours")
    await office.maintain()
    assert await hours_told(office) == [4, 24]
    await office.release(case, ANA, longer.standing.token)
    assert await office.maintain() == (0, 0)


async def test_a_threshold_as_long_as_the_lease_tells_nothing(office: Office) -> None:
    await office.rules(lease_hours=3)
    case = await taken(office)
    assert await office.maintain() == (0, 0)
    await office.pass_time(case, "2 hours 10 minutes")
    await office.maintain()
    assert await hours_told(office) == [1]


async def test_two_who_maintain_at_once_tell_each_thing_once(office: Office) -> None:
    for number in range(12):
        case = await taken(office)
        await office.pass_time(case, "73 hours" if number % 2 else "71 hours 30 minutes")
    done = await asyncio.gather(*(office.maintain() for _ in range(4)))
    assert (sum(one[0] for one in done), sum(one[1] for one in done)) == (6, 6)
    assert len(await hours_told(office)) == 6
    assert not await office.faults()


async def test_a_calendar_makes_the_lease_end_in_hours_of_business(office: Office) -> None:
    calendar = {"opens": "08:00", "closes": "18:00", "weekdays": [0, 1, 2, 3, 4], "zone": "America/Sao_Paulo"}
    await office.fetch(
        "UPDATE crm.case_rules SET lease_hours = 20, calendar = $1::text::jsonb", json.dumps(calendar)
    )
    case = await office.open()
    held = await office.assign(case.id, ANA)
    assert held.standing.expires_at is not None
    assert held.standing.expires_at - held.at >= timedelta(hours=34)

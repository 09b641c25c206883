"""Maintenance by hand, statistics, near ends, and the rules."""

from agent_service.case_scheduler import queries
from agent_service.case_scheduler.schemas import (
    MaintenanceOut,
    NearExpiryQuery,
    RulesIn,
    RulesOut,
    StatisticsOut,
)
from agent_service.cases.schemas import CaseOut
from agent_service.cases.service import owner_of
from core.access import Principal
from core.audit import record
from core.cases.maintenance import run_maintenance
from core.cases.rules import Rules, get_rules, put_rules
from core.db import Connection, Database, driver_connection
from core.web.pagination import Page, decode_cursor, page_of

FIRST = (None, None)


async def maintain(database: Database) -> MaintenanceOut:
    """Write down everything that is due."""
    done = await run_maintenance(database)
    return MaintenanceOut(expired=done.expired, alerted=done.alerted)


async def get_statistics(database: Database, days: int) -> StatisticsOut:
    """How the pipeline is doing."""
    async with database.transaction() as session:
        return StatisticsOut(days=days, **await queries.get_statistics(session, days))


async def list_near_expiry(database: Database, caller: Principal, query: NearExpiryQuery) -> Page[CaseOut]:
    """A page of cases whose lease ends soon, of those the caller may see. Raises BadCursor."""
    after = FIRST if query.cursor is None else decode_cursor(query.cursor, int, int)
    async with database.transaction() as session:
        rows = await queries.list_near(
            session, owner_of(caller), query.hours_before, after, limit=query.limit + 1
        )
    return page_of(rows, query.limit, lambda row: CaseOut(**row), key=("micros", "key"))


async def show_rules(database: Database) -> RulesOut:
    """The rules in force."""
    async with database.transaction() as session:
        return await _shown(await driver_connection(session))


async def change_rules(database: Database, caller: Principal, asked: RulesIn) -> RulesOut:
    """Other rules from now on."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        now = (await get_rules(connection)).now
        hours = tuple(asked.alert_hours)
        await put_rules(connection, Rules(**{**dict(asked), "alert_hours": hours, "now": now}))
        data = asked.model_dump(mode="json", exclude={"calendar"})
        await record(
            connection, actor=caller.id, action="case_rules.changed", subject="case_rules", data=data
        )
        return await _shown(connection)


async def _shown(connection: Connection) -> RulesOut:
    rules = await get_rules(connection)
    return RulesOut(
        lease_hours=rules.lease_hours,
        max_active=rules.max_active,
        retake_after_hours=rules.retake_after_hours,
        aging_hours=rules.aging_hours,
        alert_hours=list(rules.alert_hours),
        calendar=rules.calendar,
        now=rules.now,
    )

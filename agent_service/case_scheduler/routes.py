"""HTTP words for the clock of the pipeline. Nothing waits for it: it writes down what is true already."""

from typing import Annotated

from fastapi import Query

from agent_service.case_scheduler import service
from agent_service.case_scheduler.schemas import (
    MaintenanceOut,
    NearExpiryQuery,
    RulesIn,
    RulesOut,
    StatisticsOut,
    StatisticsQuery,
)
from agent_service.cases.schemas import CaseOut
from core.access import Permission
from core.errors import Forbidden, Unauthenticated, Unavailable
from core.web.auth import Caller, requires
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Db

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
MAY_READ = [requires(Permission.CASES_READ)]
MAY_COUNT = [requires(Permission.CASES_ALL)]
MAY_MAINTAIN = [requires(Permission.CASES_MAINTAIN)]

case_scheduler = router(prefix="/cases/scheduler", tags=["cases"])


@case_scheduler.post(
    "/run-maintenance",
    summary="Note what is due: ended leases, near ends",
    dependencies=MAY_MAINTAIN,
    responses=responses(*ALWAYS),
)
async def run_maintenance(database: Db) -> MaintenanceOut:
    """What beat does every half minute, and `python -m worker_service.cases.maintenance` for cron."""
    return await service.maintain(database)


@case_scheduler.get(
    "/statistics",
    summary="How is the pipeline doing?",
    dependencies=MAY_COUNT,
    responses=responses(*ALWAYS),
)
async def get_statistics(query: Annotated[StatisticsQuery, Query()], database: Db) -> StatisticsOut:
    """Over everybody's cases."""
    return await service.get_statistics(database, query.days)


@case_scheduler.get(
    "/cases-near-expiry",
    summary="List cases whose lease ends soon, the next to end first",
    dependencies=MAY_READ,
    responses=responses(*ALWAYS, BadCursor),
)
async def list_near_expiry(
    query: Annotated[NearExpiryQuery, Query()], caller: Caller, database: Db
) -> Page[CaseOut]:
    """Your own; with `cases:all`, everybody's."""
    return await service.list_near_expiry(database, caller, query)


@case_scheduler.get(
    "/rules", summary="The rules of cases", dependencies=MAY_READ, responses=responses(*ALWAYS)
)
async def show_rules(database: Db) -> RulesOut:
    """And the database's time, which decides."""
    return await service.show_rules(database)


@case_scheduler.put(
    "/rules",
    summary="Change the rules of cases",
    dependencies=MAY_MAINTAIN,
    responses=responses(*ALWAYS, BodyTooLarge, UnsupportedMediaType),
)
async def change_rules(asked: RulesIn, caller: Caller, database: Db) -> RulesOut:
    """They hold for what is taken from now on."""
    return await service.change_rules(database, caller, asked)

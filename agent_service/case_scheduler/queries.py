"""The SQL that counts cases. A lease that is over counts as ended, be that noted or not."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.cases.queries import CASE, FREE, STATUS, Found

STATISTICS = text(
    f"""
    WITH since AS (SELECT now() - make_interval(days => :days) AS at),
    leases AS (
        SELECT taken_at, COALESCE(ended_at, CASE WHEN expires_at <= now() THEN expires_at END) AS ended_at,
               COALESCE(reason::text, 'EXPIRED') AS reason
        FROM crm.case_assignments
    )
    SELECT
        (SELECT COALESCE(jsonb_object_agg(status, n), '{{}}') FROM (
            SELECT ({STATUS})::text AS status, count(*) AS n FROM crm.cases c GROUP BY 1) s) AS by_status,
        (SELECT count(*) FROM crm.cases c WHERE NOT {FREE}) AS taken_now,
        (SELECT count(*) FROM crm.cases, since WHERE opened_at >= since.at) AS opened,
        (SELECT count(*) FROM leases, since WHERE taken_at >= since.at) AS leases,
        (SELECT COALESCE(jsonb_object_agg(reason, n), '{{}}') FROM (
            SELECT reason, count(*) AS n FROM leases, since
            WHERE ended_at >= since.at GROUP BY 1) e) AS ended,
        (SELECT COALESCE(jsonb_object_agg(status, n), '{{}}') FROM (
            SELECT to_status::text AS status, count(*) AS n FROM crm.case_events e, since
            WHERE e.at >= since.at AND e.from_status <> e.to_status
              AND e.to_status IN ('contrato_efetivado', 'encerrado', 'sem_contato', 'cancelado')
            GROUP BY 1) x) AS closed,
        (SELECT round(avg(extract(epoch FROM ended_at - taken_at)) / 3600, 2)::float8
         FROM leases, since WHERE ended_at >= since.at) AS hours_held
    """  # noqa: S608 - our own words
)
NEAR = text(
    f"""
    SELECT near.*, (extract(epoch FROM expires_at) * 1000000)::bigint AS micros FROM ({CASE}) AS near
    WHERE expires_at <= now() + make_interval(hours => :hours)
      AND (CAST(:micros AS bigint) IS NULL
           OR ((extract(epoch FROM expires_at) * 1000000)::bigint, key) > (:micros, CAST(:key AS bigint)))
    ORDER BY expires_at, key LIMIT :limit
    """  # noqa: S608 - our own words
)


async def get_statistics(session: AsyncSession, days: int) -> Found:
    """How the pipeline is doing, and what happened since so many days."""
    return dict((await session.execute(STATISTICS, {"days": days})).mappings().one())


async def list_near(
    session: AsyncSession, owner: int | None, hours: int, after: tuple[Any, ...], *, limit: int
) -> Sequence[Found]:
    """Taken cases whose lease ends within so many hours, the next to end first."""
    micros, key = after
    values = {"owner": owner, "hours": hours, "micros": micros, "key": key, "limit": limit}
    return [dict(row) for row in (await session.execute(NEAR, values)).mappings()]

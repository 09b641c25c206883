"""What a claim may cost, whatever the machine's speed: plans, buffers and WAL."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core.db import Connection
from core.queue import INGESTION, claim, complete, statements

PATIENCE = 100
ROWS = 100_000
FILL = """
WITH cold AS (
    INSERT INTO ai.ingestion_payload (public_id, kind, namespace, source)
    SELECT gen_random_uuid(), 'k', 'default', 'inline' FROM generate_series(1, $1::int) RETURNING id
)
INSERT INTO ai.ingestion_queue (id, ready, scheduled, run_at)
SELECT id, NOT $2::boolean, $2, now() + CASE WHEN $2 THEN interval '1 day' ELSE '0' END FROM cold"""
CLAIM = ("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + INGESTION.sql(statements.CLAIM), 10, "w", 30.0)


async def fill(connection: Connection, rows: int, *, scheduled: bool = False) -> None:
    await connection.execute(FILL, rows, scheduled, timeout=PATIENCE)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


async def explain(connection: Connection, statement: str, *arguments: object) -> tuple[list[str], int]:
    """The indexes and the sequential scans of a statement, and how many buffers it touched."""
    transaction = connection.transaction()
    await transaction.start()
    [plan] = json.loads(await connection.fetchval(statement, *arguments, timeout=PATIENCE))
    await transaction.rollback()
    found = list(nodes(plan["Plan"]))
    scans = [node.get("Index Name") or node["Node Type"] for node in found if "Scan" in node["Node Type"]]
    return scans, plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]


@pytest.mark.parametrize("analyzed", [False, True], ids=["no statistics yet", "analyzed"])
async def test_a_claim_touches_buffers_in_proportion_to_its_batch(
    connection: Connection, *, analyzed: bool
) -> None:
    await fill(connection, ROWS, scheduled=True)
    await fill(connection, ROWS)
    if analyzed:
        await connection.execute("ANALYZE ai.ingestion_queue, ai.ingestion_payload", timeout=PATIENCE)
    scans, buffers = await explain(connection, *CLAIM)
    assert "ix_ingestion_queue_ready" in scans
    assert "Seq Scan" not in scans
    assert buffers < 400


async def test_staging_reads_only_what_is_due(connection: Connection) -> None:
    await fill(connection, ROWS, scheduled=True)
    await connection.execute(
        "UPDATE ai.ingestion_queue SET run_at = now() WHERE id % 20000 = 0", timeout=PATIENCE
    )
    stage = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + INGESTION.sql(statements.STAGE)
    scans, buffers = await explain(connection, stage, 1000)
    assert "ix_ingestion_queue_scheduled" in scans
    assert "Seq Scan" not in scans
    assert buffers < 400


async def test_claiming_and_completing_write_little(connection: Connection) -> None:
    jobs, batch = 2000, 100
    await fill(connection, jobs)
    position = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
    before = await connection.fetchval(position)
    for _ in range(jobs // batch):
        lease, held = await claim(connection, INGESTION, limit=batch, worker="w", ttl=30)
        assert lease is not None
        await complete(connection, INGESTION, [job.id for job in held], lease, last=True)
    assert (await connection.fetchval(position) - before) / jobs < 700


async def test_completing_touches_no_index(connection: Connection) -> None:
    await fill(connection, 1000)
    lease, held = await claim(connection, INGESTION, limit=1000, worker="w", ttl=30)
    assert lease is not None
    hot = "SELECT pg_stat_get_xact_tuples_hot_updated('ai.ingestion_queue'::regclass)"
    async with connection.transaction():
        await complete(connection, INGESTION, [job.id for job in held], lease, last=True)
        assert await connection.fetchval(hot) > 900

from core.db import Database
from core.ids import uuid7
from core.outbox import emit
from worker_service.outbox.relay import dispatch
from worker_service.upkeep.service import do_chore

AGE = "UPDATE ops.outbox_events SET created_at = now() - interval '91 days' WHERE type <> 'ticket.closed'"
SUBSCRIBE = """
INSERT INTO ops.webhook_subscriptions (public_id, url, types, principal_id)
VALUES (gen_random_uuid(), 'https://example.com/', '{case.opened,case.closed}', 1)"""
DELIVERED = """
UPDATE ops.webhook_deliveries d SET status = 'DELIVERED', due_at = NULL
FROM ops.outbox_events e WHERE e.id = d.event_id AND e.type = 'case.closed'"""


async def test_old_events_go_with_their_deliveries_once_all_is_over(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute(SUBSCRIBE)
        for type_ in ("ticket.opened", "ticket.closed", "case.opened", "case.closed"):
            await emit(connection, type_, subject=uuid7(), data={})
        await dispatch(database, {})
        await emit(connection, "ticket.commented", subject=uuid7(), data={})
        await connection.execute(AGE)
        await connection.execute(DELIVERED)
        assert await do_chore(database, "expire_events") == 2
        left = await connection.fetch("SELECT type FROM ops.outbox_events ORDER BY id")
        assert [row["type"] for row in left] == ["ticket.closed", "case.opened", "ticket.commented"]
        assert await connection.fetchval("SELECT count(*) FROM ops.webhook_deliveries") == 1

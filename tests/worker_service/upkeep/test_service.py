import hashlib
from typing import Any

import pytest

from core.db import Database, driver_connection
from core.models import JobKind
from core.settings import get_settings
from ingestion_service.documents.queries import insert_jobs
from ingestion_service.documents.submission import Submission
from worker_service.celery_app import app
from worker_service.upkeep.queries import try_lock
from worker_service.upkeep.service import CHORES, do_chore

BLOB = "INSERT INTO ai.blobs (sha256, data, created_at) VALUES ('\\x{sha}', 'x', now() - interval '{age}')"


async def test_rescue_stage_and_sweep(queue: Any, database: Database) -> None:
    dead, due, orphan, waiting = await queue.put("k", 4)
    await queue.execute(
        "INSERT INTO ai.ingestion_lease (worker, expires_at, job_ids) "
        f"VALUES ('w', now() - interval '1 s', ARRAY[{dead}]);"
        "UPDATE ai.ingestion_queue SET ready = false, status = 'PROCESSING', attempt = 1, lease_id = 1 "
        f"WHERE id = {dead};"
        "UPDATE ai.ingestion_queue SET ready = false, status = 'PROCESSING', attempt = 1, lease_id = 99 "
        f"WHERE id = {orphan};"
        f"UPDATE ai.ingestion_queue SET ready = false, scheduled = true WHERE id = {due}"
    )
    assert [await do_chore(database, chore) for chore in ("rescue", "stage", "sweep_orphans")] == [1, 1, 1]
    assert (await queue.stats()).ready == 4
    assert waiting


async def test_only_one_beat_does_a_chore(queue: Any, database: Database) -> None:
    await queue.put("k")
    async with database.transaction() as session:
        assert await try_lock(session, "rescue")
        assert await do_chore(database, "rescue") is None
        assert await do_chore(database, "stage") == 0
    assert await do_chore(database, "rescue") == 0


async def test_old_attempts_are_forgotten(queue: Any, database: Database) -> None:
    for age in ("31 days", "29 days"):
        await queue.execute(
            "INSERT INTO ai.ingestion_attempts (job_id, attempt, code, detail, created_at) "
            f"VALUES (1, 1, '{age}', '', now() - interval '{age}')"
        )
    assert await do_chore(database, "expire_attempts") == 1
    assert await queue.codes(1) == ["29 days"]


async def test_old_bytes_are_kept_while_a_job_needs_them(queue: Any, database: Database) -> None:
    waiting, done, failed, given_up = await queue.put("k", 4)
    ages = {"01": "8 days", "02": "8 days", "03": "8 days", "04": "6 days", "05": "20 days", "06": "20 days"}
    for sha, age in ages.items():
        await queue.execute(BLOB.format(sha=sha, age=age))
    await queue.execute(
        f"UPDATE ai.ingestion_payload SET blob_sha256 = '\\x01' WHERE id = {waiting};"
        f"UPDATE ai.ingestion_payload SET blob_sha256 = '\\x02' WHERE id = {done};"
        f"UPDATE ai.ingestion_payload SET blob_sha256 = '\\x05' WHERE id = {failed};"
        f"UPDATE ai.ingestion_payload SET blob_sha256 = '\\x06' WHERE id = {given_up};"
        f"UPDATE ai.ingestion_queue SET ready = false, status = 'COMPLETED' WHERE id = {done};"
        "UPDATE ai.ingestion_queue SET ready = false, status = 'FAILED', finished_at = now() - "
        f"CASE WHEN id = {failed} THEN interval '1 day' ELSE interval '8 days' END "
        f"WHERE id IN ({failed}, {given_up})"
    )
    assert await do_chore(database, "expire_blobs") == 3
    kept = await (await queue.connection()).fetch(
        "SELECT encode(sha256, 'hex') AS sha FROM ai.blobs ORDER BY 1"
    )
    assert [row["sha"] for row in kept] == ["01", "04", "05"]


def test_every_chore_is_a_task_on_beat_s_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/none")
    app.loader.import_default_modules()
    names = {f"upkeep.{chore}" for chore in (*CHORES, "calibrate")}
    assert names <= set(app.tasks)
    assert names == set(app.conf.beat_schedule)
    get_settings.cache_clear()


async def test_old_bytes_handed_in_again_are_safe_while_their_job_is_being_accepted(
    queue: Any, database: Database
) -> None:
    blob = b"as before"
    submission = Submission(
        principal_id=1,
        kind=JobKind.FILE,
        namespace="default",
        source="a.txt",
        title=None,
        metadata={},
        priority=100,
        run_at=None,
        idempotency_key=None,
        blob=blob,
    )
    await queue.execute(BLOB.format(sha=hashlib.sha256(blob).hexdigest(), age="8 days"))
    async with database.transaction() as session:
        await insert_jobs(await driver_connection(session), 5, [submission], set())
        assert await do_chore(database, "expire_blobs") == 0
    assert await do_chore(database, "expire_blobs") == 0


async def test_answers_are_kept_for_a_day(queue: Any, database: Database) -> None:
    for scope, age in (("01", "25 hours"), ("02", "23 hours")):
        await queue.execute(
            "INSERT INTO ops.idempotency_keys (scope, request, answer, created_at) "
            f"VALUES ('\\x{scope}', '', '', now() - interval '{age}')"
        )
    assert await do_chore(database, "expire_keys") == 1
    assert await do_chore(database, "expire_keys") == 0

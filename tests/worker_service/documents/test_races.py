import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from agent_service.knowledge.service import delete_document
from core.db import Database
from core.settings import Environment, Settings
from tests.worker_service.documents.desk import Desk, Eventually, handbook, working

NAMESPACE = "UPDATE ai.namespaces SET name = name"
DOCUMENT = "SELECT FROM ai.documents FOR UPDATE"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'"""
SHOWN = """
SELECT d.deleted_at IS NULL AND d.current_version_id IS NOT NULL AS listed, v.canonical_text, d.metadata,
       (SELECT count(*) FROM ai.document_versions) AS versions,
       (SELECT count(*) FROM ai.chunks c WHERE c.version_id = d.current_version_id) AS chunks
FROM ai.documents d LEFT JOIN ai.document_versions v ON v.id = d.current_version_id"""
WRONG = """
SELECT count(*) FROM ai.terms t FULL JOIN (
    SELECT term, count(*) AS df FROM ai.chunks, unnest(tsvector_to_array(lexemes)) AS term
    WHERE term NOT LIKE '#%' GROUP BY term) AS x USING (term)
WHERE t.document_frequency IS DISTINCT FROM x.df"""
OLD, NEW = b"Vale a regra antiga.", b"Vale a regra nova."


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        _env_file=None,
        env=Environment.TEST,
        DATABASE_URL=database_url,
        REDIS_URL=None,
        queue_poll_seconds=0.05,
    )


@pytest.fixture
def desk(database: Database, eventually: Eventually) -> Desk:
    return Desk(database, eventually)


@asynccontextmanager
async def holding(database: Database, lock: str) -> AsyncIterator[AsyncSession]:
    async with database.transaction() as session:
        await session.execute(text(lock))
        yield session


async def waiting(desk: Desk, eventually: Eventually, count: int) -> None:
    async def enough() -> bool:
        return bool((await desk.one(WAITING))[0] >= count)

    await eventually(enough)


@pytest.mark.parametrize("pool", [1, 3])
async def test_jobs_wait_their_turn_at_locks_and_connections(
    desk: Desk, database: Database, settings: Settings, pool: int
) -> None:
    """Longer than an API would wait for either."""
    async with working(settings.model_copy(update={"database_pool_size": pool})):
        await desk.ingest(OLD, "first.md")
        async with holding(database, NAMESPACE):
            jobs = [await desk.hand_in(handbook(extra=str(n)), f"{n}.md") for n in range(6)]
            await asyncio.sleep(6)
        ended = [await desk.ended(job) for job in jobs]
    assert {(job.status, job.failures) for job in ended} == {("COMPLETED", 0)}


async def test_a_large_document_delays_its_neighbours_and_fails_none(desk: Desk, settings: Settings) -> None:
    large = b"\n\n".join(handbook(title=f"Volume {n}. Consta o item {n * 7919}.") for n in range(60))
    async with working(settings):
        jobs = [await desk.hand_in(large, "large.md")]
        jobs += [await desk.hand_in(handbook(extra=str(n)), f"{n}.md") for n in range(20)]
        ended = [await desk.ended(job) for job in jobs]
    assert {(job.status, job.failures) for job in ended} == {("COMPLETED", 0)}


async def test_a_connection_cut_under_a_job_is_called_by_its_name_and_tried_again(
    desk: Desk, database: Database, settings: Settings, eventually: Eventually
) -> None:
    async with working(settings):
        await desk.ingest(OLD, "first.md")
        async with holding(database, NAMESPACE):
            job = await desk.hand_in(NEW, "second.md")
            await waiting(desk, eventually, 1)
            await desk.one(CUT)
        ended = await desk.ended(job)
    assert (ended.status, ended.failures, ended.code) == ("COMPLETED", 1, "database_unavailable")


async def test_the_same_bytes_handed_in_while_their_document_is_deleted_bring_it_back(
    desk: Desk, database: Database, settings: Settings, eventually: Eventually
) -> None:
    async with working(settings):
        await desk.ingest(OLD, "regra.txt")
        (public_id,) = await desk.one("SELECT public_id FROM ai.documents")
        async with holding(database, NAMESPACE):  # the deletion has begun and cannot end
            deletion = asyncio.create_task(delete_document(database, public_id, actor=None))
            await waiting(desk, eventually, 1)
            again = await desk.hand_in(OLD, "regra.txt")
            await waiting(desk, eventually, 2)
        await deletion
        assert (await desk.ended(again)).outcome == "indexed"
    shown = await desk.one(SHOWN)
    assert (shown.listed, shown.chunks, shown.canonical_text) == (True, 1, OLD.decode())


async def test_a_job_accepted_before_the_deletion_does_not_undo_it(
    desk: Desk, database: Database, settings: Settings
) -> None:
    async with working(settings):
        await desk.ingest(OLD, "regra.txt")
    before = await desk.hand_in(NEW, "regra.txt")
    (public_id,) = await desk.one("SELECT public_id FROM ai.documents")
    await delete_document(database, public_id, actor=None)
    after = await desk.hand_in(NEW, "outra.txt")
    async with working(settings):
        assert (await desk.ended(before)).outcome == "superseded"
        assert (await desk.ended(after)).outcome == "indexed"
    assert await desk.one("SELECT array_agg(source) FROM ai.documents WHERE deleted_at IS NULL") == (
        ["outra.txt"],
    )


async def test_content_handed_in_again_after_the_deletion_is_not_answered_by_a_job_from_before(
    desk: Desk, database: Database, settings: Settings
) -> None:
    async with working(settings):
        await desk.ingest(OLD, "regra.txt")
    before = await desk.hand_in(NEW, "regra.txt")
    (public_id,) = await desk.one("SELECT public_id FROM ai.documents")
    await delete_document(database, public_id, actor=None)
    after = await desk.hand_in(NEW, "regra.txt")
    assert after != before
    async with working(settings):
        assert (await desk.ended(after)).outcome == "indexed"
        assert (await desk.ended(before)).outcome in {"superseded", "unchanged"}
    assert (await desk.one(SHOWN)).listed


async def test_known_bytes_win_over_an_older_job_that_is_still_indexing_others(
    desk: Desk, database: Database, settings: Settings, eventually: Eventually
) -> None:
    async with working(settings):
        await desk.ingest(OLD, "regra.txt")
        async with holding(database, NAMESPACE):
            changed = await desk.hand_in(NEW, "regra.txt")
            await waiting(desk, eventually, 1)
            restored = await desk.hand_in(OLD, "regra.txt")
            await waiting(desk, eventually, 2)
        assert {(await desk.ended(job)).status for job in (changed, restored)} == {"COMPLETED"}
    assert (await desk.one(SHOWN)).canonical_text == OLD.decode()


async def test_words_at_the_limits_of_the_index_are_counted_like_others(
    desk: Desk, settings: Settings
) -> None:
    """A code of 512 letters of four bytes: one byte too many for a lexeme."""
    longest = "-".join(["\N{OSMANYA DIGIT ZERO}" * 64] * 8).encode()
    async with working(settings):
        await desk.ingest(longest, "regra.txt")
        assert await desk.one(WRONG) == (0,)
        assert (await desk.ingest(NEW, "regra.txt")).outcome == "indexed"
    assert await desk.one(WRONG) == (0,)


async def test_metadata_too_is_of_what_was_handed_in_last(desk: Desk, settings: Settings) -> None:
    async with working(settings):
        await desk.ingest(OLD, "regra.txt")
    older = await desk.hand_in(OLD, "regra.txt", metadata={"ano": 2024}, priority=200)
    newer = await desk.hand_in(OLD, "regra.txt", metadata={"ano": 2025}, priority=1)
    async with working(settings.model_copy(update={"queue_batch": 1})):
        assert (await desk.ended(newer)).outcome == "unchanged"
        assert (await desk.ended(older)).outcome == "superseded"
    assert (await desk.one(SHOWN)).metadata == {"ano": 2025}


async def test_the_same_bytes_at_the_same_time_make_one_version(desk: Desk, settings: Settings) -> None:
    jobs = [await desk.hand_in(handbook(), "manual.md", metadata={"n": n}) for n in range(12)]
    async with working(settings), working(settings):
        ended = [await desk.ended(job) for job in jobs]
    assert {job.status for job in ended} == {"COMPLETED"}
    assert (await desk.one(SHOWN)).versions == 1


@pytest.mark.parametrize("together", [False, True])
async def test_content_that_comes_back_after_another_is_the_last(
    desk: Desk, settings: Settings, together: bool
) -> None:
    """A, B, A: the first A does not answer for the last."""
    texts: list[tuple[bytes, dict[str, Any]]] = [(OLD, {}), (NEW, {}), (OLD, {})]
    jobs = await desk.hand_in_all("regra.txt", texts, together=together)
    assert len(set(jobs)) == 3
    async with working(settings.model_copy(update={"queue_batch": 1})):
        assert {(await desk.ended(job)).status for job in jobs} == {"COMPLETED"}
    assert (await desk.one(SHOWN)).canonical_text == OLD.decode()


async def test_what_is_wanted_now_is_not_answered_by_what_is_planned_for_later(
    desk: Desk, settings: Settings
) -> None:
    planned = await desk.hand_in(OLD, "regra.txt", run_at=datetime.now(UTC) + timedelta(days=30))
    wanted = await desk.hand_in(OLD, "regra.txt")
    async with working(settings):
        assert (await desk.ended(wanted)).outcome == "indexed"
    assert (await desk.job(planned)).status == "PENDING"

"""Accept documents and steer their jobs. One transaction each; the doorbell rings after its commit."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from asyncpg import DeadlockDetectedError, UniqueViolationError

from core.access import Permission, Principal
from core.db import Callback, Connection, Database, driver_connection, on_commit
from core.errors import Conflict, NotFound, Unavailable
from core.models import IngestionStatus
from core.web.pagination import Page, page_of
from ingestion_service.documents import queries
from ingestion_service.documents.repeats import Known
from ingestion_service.documents.schemas import JobOut, JobQuery, Stats
from ingestion_service.documents.submission import Submission

RACES = 5


class JobAlreadyFinished(Conflict):
    """The job is COMPLETED or FAILED: there is nothing left to cancel."""

    code = "job_already_finished"


class JobNotFailed(Conflict):
    """Only a FAILED job can be retried."""

    code = "job_not_failed"


class _Overtaken(Exception):
    """Nothing was taken in: a job for the same key or content is there already, or appeared meanwhile."""


class Accepted(NamedTuple):
    """Jobs in the order of the submissions; `replayed` when every one answers a repeated key."""

    jobs: list[JobOut]
    replayed: bool


async def accept_documents(
    database: Database, items: Sequence[Submission], *, max_attempts: int, ring: Callback
) -> Accepted:
    """Take all of them in, or none; `items` are of one principal.

    A repeat answers with the first job: the same idempotency key, or the same content of the same source
    while a job for it is unfinished. Raises IdempotencyKeyReused.
    """
    for attempt in (_accept_new, *[_accept] * RACES):
        try:
            return await attempt(database, items, max_attempts, ring)
        except (UniqueViolationError, DeadlockDetectedError, _Overtaken):
            continue  # somebody else was or is at the same key or content: what they committed is found now
    raise Unavailable("the same document is being handed in over and over; try again")


async def _accept_new(
    database: Database, items: Sequence[Submission], max_attempts: int, ring: Callback
) -> Accepted:
    """Most documents were never seen before: one statement, committed by itself, asks and takes them in."""
    known = Known([])
    answers = [known.answer(item) for item in items]
    async with database.connection() as connection:
        rows = await _insert(connection, items, answers, max_attempts, known)
    await ring()
    return _accepted(rows, answers, known)


async def _accept(
    database: Database, items: Sequence[Submission], max_attempts: int, ring: Callback
) -> Accepted:
    """Answer repeats with their first job, and take the others in."""
    async with database.transaction() as session:
        connection = await driver_connection(session)
        known = Known(await queries.find_repeats(connection, items))
        answers = [known.answer(item) for item in items]
        rows = await _insert(connection, items, answers, max_attempts, known)
        if rows:
            on_commit(session, ring)
        if repeated := [answer for answer in answers if answer not in rows]:
            rows |= await queries.get_jobs(connection, repeated)
    return _accepted(rows, answers, known)


async def _insert(
    connection: Connection,
    items: Sequence[Submission],
    answers: Sequence[UUID],
    max_attempts: int,
    known: Known,
) -> dict[UUID, queries.Found]:
    """The jobs of those items that answer for themselves."""
    fresh = [item for item, answer in zip(items, answers, strict=True) if answer == item.public_id]
    if not fresh:
        return {}
    rows = await queries.insert_jobs(connection, max_attempts, fresh, set(known.holders))
    if not rows:
        raise _Overtaken
    return rows


def _accepted(rows: Mapping[UUID, queries.Found], answers: Sequence[UUID], known: Known) -> Accepted:
    return Accepted([JobOut.of(rows[answer]) for answer in answers], replayed=known.replays == len(answers))


async def get_job(database: Database, caller: Principal, job_id: UUID) -> JobOut:
    """The job, if it is the caller's or the caller is an admin. Raises NotFound."""
    async with database.transaction() as session:
        row = await queries.find_job(session, job_id, owner_of(caller))
    if row is None:
        raise NotFound("there is no such job")
    return JobOut.of(row)


async def list_jobs(database: Database, caller: Principal, query: JobQuery) -> Page[JobOut]:
    """A page of the caller's jobs, newest first. Raises BadCursor."""
    wanted, limit = query.model_dump(exclude_none=True, exclude={"cursor", "limit"}), query.limit
    async with database.transaction() as session:
        rows = await queries.list_jobs(
            session, owner_of(caller), wanted, before=query.before, limit=limit + 1
        )
    return page_of(rows, limit, JobOut.of)


async def cancel_job(database: Database, caller: Principal, job_id: UUID) -> JobOut:
    """A waiting job fails with the code `cancelled`; a running one is asked to stop."""
    async with database.transaction() as session:
        row = await queries.find_job(session, job_id, owner_of(caller))
        if row is None:
            raise NotFound("there is no such job")
        if not await queries.cancel(session, row["key"]):
            raise JobAlreadyFinished("the job has finished already")
    return await get_job(database, caller, job_id)


async def retry_job(database: Database, caller: Principal, job_id: UUID, ring: Callback) -> JobOut:
    """A FAILED job starts over with all its attempts."""
    async with database.transaction() as session:
        row = await queries.find_job(session, job_id, owner_of(caller))
        if row is None:
            raise NotFound("there is no such job")
        if not await queries.retry(session, row["key"]):
            raise JobNotFailed("only a FAILED job can be retried")
        on_commit(session, ring)
    return await get_job(database, caller, job_id)


async def get_stats(database: Database, caller: Principal) -> Stats:
    """Counts over the caller's jobs; over all of them for an admin."""
    async with database.transaction() as session:
        counts, failures = await queries.stats(session, owner_of(caller))
    return Stats(
        counts=dict.fromkeys(IngestionStatus, 0) | {row["status"]: row["jobs"] for row in counts},
        oldest_pending_seconds=next((row["oldest"] for row in counts if row["oldest"] is not None), None),
        failures={row["code"]: row["jobs"] for row in failures},
    )


def owner_of(caller: Principal) -> int | None:
    """Whose jobs the caller sees: their own, and everybody's (None) for an admin."""
    return caller.limited_to(Permission.JOBS_ALL)

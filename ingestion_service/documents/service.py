"""Accept documents and steer their jobs. One transaction each; the doorbell rings after its commit."""

from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from asyncpg import DeadlockDetectedError, Record, UniqueViolationError

from core.apikeys import Scope
from core.db import Callback, Database, on_commit
from core.errors import Conflict, DomainError, NotFound, Unavailable
from core.models import IngestionStatus
from core.web.identity import Principal
from core.web.pagination import Page, decode_cursor, encode_cursor
from ingestion_service.documents import queries
from ingestion_service.documents.schemas import JobOut, JobQuery, Stats
from ingestion_service.documents.submission import Submission

RACES = 5


class IdempotencyMismatch(DomainError):
    """The idempotency key was used before, for another request."""

    code = "idempotency_mismatch"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class JobAlreadyFinished(Conflict):
    """The job is COMPLETED or FAILED: there is nothing left to cancel."""

    code = "job_already_finished"


class JobNotFailed(Conflict):
    """Only a FAILED job can be retried."""

    code = "job_not_failed"


class _Overtaken(Exception):
    """Rolls the transaction back: a job for the same content appeared meanwhile."""


class Accepted(NamedTuple):
    """Jobs in the order of the submissions; `replayed` when every one answers a repeated key."""

    jobs: list[JobOut]
    replayed: bool


async def accept_documents(
    database: Database, items: Sequence[Submission], *, max_attempts: int, ring: Callback
) -> Accepted:
    """Take all of them in, or none; `items` are of one principal.

    A repeat answers with the first job: the same idempotency key, or the same content of the same source
    while a job for it is unfinished. Raises IdempotencyMismatch.
    """
    for _ in range(RACES):
        try:
            return await _accept(database, items, max_attempts, ring)
        except (UniqueViolationError, DeadlockDetectedError, _Overtaken):
            continue  # somebody else was at the same key or content: what they committed is found now
    raise Unavailable("the same document is being handed in over and over; try again")


async def _accept(
    database: Database, items: Sequence[Submission], max_attempts: int, ring: Callback
) -> Accepted:
    async with database.transaction() as session:
        known = Known(await queries.find_repeats(session, items))
        answers = [known.answer(item) for item in items]
        fresh = [item for item, answer in zip(items, answers, strict=True) if answer == item.public_id]
        if fresh:
            if not await queries.insert_jobs(session, max_attempts, fresh, set(known.holders)):
                raise _Overtaken
            on_commit(session, ring)
        rows = await queries.get_jobs(session, answers)
    return Accepted([JobOut.of(rows[answer]) for answer in answers], replayed=known.replays == len(items))


class Known:
    """Which job answers for a submission: those in the database, then those of the same batch.

    An idempotency key identifies a request alone. Without one, the same content of the same source does,
    while a job for it is unfinished and nothing else of that source came after it.
    """

    def __init__(self, rows: Sequence[Record]) -> None:
        self._by_key: dict[str | None, tuple[UUID, bytes]] = {
            row["idempotency_key"]: (row["public_id"], row["request_sha256"])
            for row in rows
            if row["idempotency_key"] is not None
        }
        self._by_content: dict[str, UUID] = {
            row["dedupe_key"]: row["public_id"] for row in rows if row["dedupe_key"]
        }
        self._last: dict[tuple[str, str], UUID] = {}
        self.replays = 0

    @property
    def holders(self) -> Collection[UUID]:
        """The jobs that are found by their content."""
        return self._by_content.values()

    def answer(self, item: Submission) -> UUID:
        """The public id of the item's job: its own when it is new. Raises IdempotencyMismatch."""
        key = item.idempotency_key
        if key in self._by_key:
            return self._replay(*self._by_key[key], item)
        same = self._by_content.get(item.dedupe_key)
        if key is None and same is not None and self._last.get(item.place, same) == same:
            return same
        self._last[item.place] = item.public_id
        self._by_content.setdefault(item.dedupe_key, item.public_id)
        if key is not None:
            self._by_key[key] = (item.public_id, item.request_sha256)
        return item.public_id

    def _replay(self, job: UUID, request: bytes, item: Submission) -> UUID:
        if request != item.request_sha256:
            raise IdempotencyMismatch("this idempotency key was used for another request")
        self.replays += 1
        return job


async def get_job(database: Database, caller: Principal, job_id: UUID) -> JobOut:
    """The job, if it is the caller's or the caller is an admin. Raises NotFound."""
    async with database.transaction() as session:
        row = await queries.find_job(session, job_id, owner_of(caller))
    if row is None:
        raise NotFound("there is no such job")
    return JobOut.of(row)


async def list_jobs(database: Database, caller: Principal, query: JobQuery) -> Page[JobOut]:
    """A page of the caller's jobs, newest first. Raises BadCursor."""
    before = None if query.cursor is None else int(decode_cursor(query.cursor, int)[0])
    wanted, limit = query.model_dump(exclude_none=True, exclude={"cursor", "limit"}), query.limit
    async with database.transaction() as session:
        rows = await queries.list_jobs(session, owner_of(caller), wanted, before=before, limit=limit + 1)
    more = encode_cursor(rows[limit - 1]["key"]) if len(rows) > limit else None
    return Page(items=[JobOut.of(row) for row in rows[:limit]], next_cursor=more)


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
    return None if caller.may(Scope.ADMIN) else caller.id

"""HTTP words for documents and their jobs: hand in, follow, steer."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Form, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from core.access import Permission
from core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from core.web.auth import Caller, requires
from core.web.idempotency import REPLAYED, IdempotencyKeyReused
from core.web.pagination import BadCursor, Page
from core.web.problems import ValidationFailed, responses
from core.web.requests import BodyTooLarge, UnsupportedMediaType, router
from core.web.runtime import Config, Db
from core.web.sse import EventId, follow
from ingestion_service.documents import intake, service
from ingestion_service.documents.addresses import UrlNotAllowed
from ingestion_service.documents.deps import Accept, Bell, FileIn, Key
from ingestion_service.documents.schemas import (
    BatchIn,
    BatchOut,
    DocumentIn,
    JobOut,
    JobQuery,
    Stats,
)

ALWAYS = (Unauthenticated, Forbidden, ValidationFailed, Unavailable)
BODY = (*ALWAYS, BodyTooLarge, UnsupportedMediaType, UrlNotAllowed, IdempotencyKeyReused)
MAY_INGEST = [requires(Permission.DOCUMENTS_SUBMIT)]

documents = router(prefix="/ingest", tags=["documents"])
uploads = router(prefix="/ingest", tags=["documents"], large=True)


@documents.post(
    "", status_code=202, summary="Take a document in", dependencies=MAY_INGEST, responses=responses(*BODY)
)
async def ingest(
    document: DocumentIn, response: Response, caller: Caller, config: Config, accept: Accept, key: Key = None
) -> JobOut:
    """Stores the text, or the address to fetch, and answers at once; a worker makes it searchable."""
    item = intake.of_document(document, caller.id, key=key, allowed_hosts=config.fetch_allowed_hosts)
    accepted = await accept([item])
    return _one(response, accepted)


@uploads.post(
    "/batch",
    status_code=202,
    summary="Take many documents in",
    dependencies=MAY_INGEST,
    responses=responses(*BODY),
)
async def ingest_batch(
    batch: BatchIn, response: Response, caller: Caller, config: Config, accept: Accept, key: Key = None
) -> BatchOut:
    """Up to 1,000 documents, all or none: one that is refused refuses the batch, and `errors` point at it."""
    items = intake.of_batch(batch, caller.id, key=key, allowed_hosts=config.fetch_allowed_hosts)
    accepted = await accept(items)
    _mark(response, accepted)
    return BatchOut(items=accepted.jobs)


@uploads.post(
    "/file",
    status_code=202,
    summary="Take a file in",
    dependencies=MAY_INGEST,
    responses=responses(*BODY, intake.EmptyFile, intake.FileTypeRefused),
)
async def ingest_file(
    form: Annotated[FileIn, Form(media_type="multipart/form-data")],
    response: Response,
    caller: Caller,
    accept: Accept,
    key: Key = None,
) -> JobOut:
    """A file of up to 25 MB: text, Markdown, HTML, CSV, JSON, PDF, DOCX or XLSX."""
    item = intake.of_file(
        form, await form.file.read(), form.file.filename, form.file.content_type, caller.id, key=key
    )
    accepted = await accept([item])
    return _one(response, accepted)


@documents.get(
    "", summary="List jobs, newest first", dependencies=MAY_INGEST, responses=responses(*ALWAYS, BadCursor)
)
async def list_jobs(
    query: Annotated[JobQuery, Query()],
    caller: Caller,
    database: Db,
) -> Page[JobOut]:
    """Your own jobs; everybody's with an admin key."""
    return await service.list_jobs(database, caller, query)


@documents.get(
    "/stats", summary="How is the queue doing?", dependencies=MAY_INGEST, responses=responses(*ALWAYS)
)
async def get_stats(caller: Caller, database: Db) -> Stats:
    """Counts over your own jobs; over all of them with an admin key."""
    return await service.get_stats(database, caller)


@documents.get(
    "/{job_id}", summary="One job", dependencies=MAY_INGEST, responses=responses(*ALWAYS, NotFound)
)
async def get_job(job_id: UUID, caller: Caller, database: Db) -> JobOut:
    """Where the job stands now."""
    return await service.get_job(database, caller, job_id)


@documents.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    dependencies=MAY_INGEST,
    responses=responses(*ALWAYS, NotFound, service.JobAlreadyFinished),
)
async def cancel_job(job_id: UUID, caller: Caller, database: Db) -> JobOut:
    """A waiting job FAILs with the code `cancelled`; a running one is asked to stop and does so soon."""
    return await service.cancel_job(database, caller, job_id)


@documents.post(
    "/{job_id}/retry",
    summary="Retry a FAILED job",
    dependencies=MAY_INGEST,
    responses=responses(*ALWAYS, NotFound, service.JobNotFailed),
)
async def retry_job(job_id: UUID, caller: Caller, database: Db, ring: Bell) -> JobOut:
    """It starts over with all its attempts."""
    return await service.retry_job(database, caller, job_id, ring)


@documents.get(
    "/{job_id}/events",
    summary="Follow a job",
    dependencies=MAY_INGEST,
    response_class=EventSourceResponse,
    responses=responses(*ALWAYS, NotFound),
)
async def follow_job(
    job: Annotated[JobOut, Depends(get_job)], caller: Caller, database: Db, last_event_id: EventId = None
) -> AsyncIterator[ServerSentEvent]:
    """`progress` events until `done` or `failed`, each with the whole job as its data."""
    read = partial(service.get_job, database, caller, job.id)
    async for snapshot in follow(job, read, is_last=lambda seen: seen.finished):
        if (event := _event(snapshot)).id != last_event_id or snapshot.finished:
            yield event


def _event(job: JobOut) -> ServerSentEvent:
    name = {"COMPLETED": "done", "FAILED": "failed"}.get(job.status, "progress")
    return ServerSentEvent(
        event=name, id=f"{job.status}-{job.attempt}-{job.stage or ''}-{job.progress}", data=job
    )


def _one(response: Response, accepted: service.Accepted) -> JobOut:
    _mark(response, accepted)
    response.headers["Location"] = f"/ingest/{accepted.jobs[0].id}"
    return accepted.jobs[0]


def _mark(response: Response, accepted: service.Accepted) -> None:
    if accepted.replayed:
        response.headers[REPLAYED] = "true"

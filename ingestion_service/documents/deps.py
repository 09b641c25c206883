"""What the routes ask for: an idempotency key, a form with a file, a way in with the doorbell behind it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Request, UploadFile

from core.db import Callback
from core.web.runtime import runtime, state
from ingestion_service.documents.schemas import FileOptions, IdempotencyKey
from ingestion_service.documents.service import Accepted, accept_documents
from ingestion_service.documents.submission import Submission

Key = Annotated[IdempotencyKey | None, Header(alias="Idempotency-Key")]


class FileIn(FileOptions):
    """The form of an upload."""

    file: UploadFile


# Coroutines, since FastAPI sends plain functions through a thread.
async def _bell(request: Request) -> Callback:
    ring: Callback = state(request, "ring")
    return ring


Bell = Annotated[Callback, Depends(_bell)]
"""Rings for the workers; give it to `on_commit`."""


async def _way_in(request: Request) -> Callable[..., Awaitable[Accepted]]:
    ours = runtime(request)
    attempts, ring = ours.settings.queue_max_attempts, state(request, "ring")
    return partial(accept_documents, ours.database, max_attempts=attempts, ring=ring)


Accept = Annotated[Callable[[Sequence[Submission]], Awaitable[Accepted]], Depends(_way_in)]
"""`service.accept_documents`, but for the documents."""

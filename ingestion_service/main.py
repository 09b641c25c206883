"""Door 1: accept fast, never think. `python -m uvicorn ingestion_service.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from core.queue.doorbell import Doorbell
from core.queue.table import INGESTION
from core.settings import Settings
from core.web.app import create_app
from ingestion_service.documents.routes import documents, uploads
from ingestion_service.messages.routes import messages
from ingestion_service.webhooks.routes import mails, signed, webhooks


def create(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment at start-up when none are given."""
    return create_app(
        "COGEP Assist: ingestion",
        [messages, webhooks, signed, mails, uploads, documents],  # `/ingest/events` before `/ingest/{job_id}`
        settings=settings,
        description="Hand documents and messages in; workers do the rest.",
        resources=_doorbell,
    )


@asynccontextmanager
async def _doorbell(app: FastAPI) -> AsyncIterator[None]:
    redis_url = app.state.runtime.settings.redis_url
    bell = Doorbell(redis_url.get_secret_value() if redis_url else None)
    app.state.ring = partial(bell.ring, INGESTION.name)
    yield
    await bell.close()


app = create()

"""Door 1: accept fast, never think. `python -m uvicorn ingestion_service.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from core.settings import Settings
from core.web.app import create_app
from ingestion_service.documents.routes import documents, uploads


def create(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment at start-up when none are given."""
    return create_app(
        "COGEP Assist: ingestion",
        [uploads, documents],
        settings=settings,
        description="Hand documents in; workers make them searchable.",
        resources=_doorbell,
    )


@asynccontextmanager
async def _doorbell(app: FastAPI) -> AsyncIterator[None]:
    async def ring() -> None:
        """Workers poll until the doorbell of `core.queue` is here."""

    app.state.ring = ring
    yield


app = create()

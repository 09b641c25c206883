"""Namespaces of a neural model test themselves: the dense leg weighs what it is worth there, or nothing."""

import structlog

from core.db import Database
from core.embeddings import Embedder
from core.retrieval.calibration import calibrate
from core.settings import EmbeddingProvider
from worker_service.upkeep import queries

log = structlog.get_logger(__name__)


async def calibrate_namespaces(database: Database, embedder: Embedder) -> list[str]:
    """Calibrate the namespaces that never were, or have doubled since; their names.

    `hashed_ngrams` keeps its default weight, which was measured: it is the same leg everywhere. Raises
    JobError when the provider fails.
    """
    if embedder.provider == EmbeddingProvider.HASHED_NGRAMS:
        return []
    async with database.connection() as connection, queries.session_lock(connection, "calibrate") as locked:
        names = (
            await queries.list_uncalibrated(connection, embedder.provider, embedder.name) if locked else []
        )
        for name in names:
            weight = await calibrate(connection, namespace=name, embedder=embedder)
            log.info("namespace_calibrated", namespace=name, dense_weight=weight)
    return names

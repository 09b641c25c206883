"""What a turn works with, made once for a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from core.db import Database
from core.embeddings import Embedder
from core.llm.configured import configured_model
from core.llm.model import LanguageModel
from core.settings import Settings
from core.vault import Vault
from worker_service.embedding import embedder


@dataclass(frozen=True, slots=True)
class Means:
    """`model` is None when no language model is configured."""

    database: Database
    vault: Vault
    settings: Settings
    embedder: Embedder
    model: LanguageModel | None


@asynccontextmanager
async def means_of(settings: Settings, database: Database) -> AsyncIterator[Means]:
    """The means of these settings. Raises VaultClosed without field keys."""
    vault = Vault.of(settings)
    async with httpx.AsyncClient() as client:
        model = configured_model(settings, client)
        yield Means(database, vault, settings, embedder(settings), model)

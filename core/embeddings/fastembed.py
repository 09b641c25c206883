"""A neural model on this machine's processor (ONNX), from the optional extra `fastembed`.

The library and the model are loaded on first use, on a thread: a process that never embeds never pays.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from pgvector import HalfVector

from core.embeddings.protocol import check_dimensions, rejected, unit
from core.errors import JobError

DEFAULT_MODEL = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"


class FastEmbed:
    """`path` is a folder that holds the model; without it the library fetches the model by its name."""

    provider: ClassVar[str] = "fastembed"

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        path: str | None = None,
        batch: int = 64,
        query_prefix: str = "",
        passage_prefix: str = "",
    ) -> None:
        self.name = model
        self.dimensions: int | None = None
        self._path = path
        self._batch = batch
        self._query_prefix = query_prefix
        self._passage_prefix = passage_prefix
        self._loading = threading.Lock()
        self._model: Any = None

    async def embed_passages(self, texts: Sequence[str]) -> list[HalfVector]:
        """One vector for each text, in order."""
        return await self._on_thread([f"{self._passage_prefix}{text}" for text in texts])

    async def embed_query(self, text: str) -> HalfVector:
        """The vector of a question."""
        return (await self._on_thread([f"{self._query_prefix}{text}"]))[0]

    async def aclose(self) -> None:
        """Nothing to close; the model goes with the process."""

    async def _on_thread(self, texts: list[str]) -> list[HalfVector]:
        vectors = await asyncio.to_thread(self._embed, texts)
        self.dimensions = check_dimensions(vectors, self.dimensions)
        return vectors

    def _embed(self, texts: list[str]) -> list[HalfVector]:
        with self._loading:
            self._model = self._model or self._load()
        embeddings: Iterable[Any] = self._model.embed(texts, batch_size=self._batch)
        return [unit(embedding.tolist()) for embedding in embeddings]

    def _load(self) -> Any:
        try:
            from fastembed import TextEmbedding
        except ImportError as error:
            raise rejected("Falta o pacote opcional: instale cogep-assist[fastembed].") from error
        make: Callable[..., Any] = TextEmbedding
        try:
            if self._path is None:
                return make(self.name)
            return make(self.name, specific_model_path=self._path, local_files_only=True)
        except Exception as error:  # the library raises whatever its parts raise
            raise JobError(
                "embedding_rejected", f"The embedding model {self.name} could not be loaded."
            ) from error

"""What every embedding provider promises, and the checks all their answers go through."""

from collections.abc import Sequence
from math import isfinite, sqrt
from typing import Any, Protocol

from pgvector import HalfVector

from core.errors import JobError


class Embedder(Protocol):
    """Turns texts into unit vectors, so that an inner product is a cosine.

    Raises JobError: `embedding_unavailable` (retryable), `embedding_rejected`, or
    `embedding_dimension_mismatch` when the provider changes its mind about its dimensions.
    """

    @property
    def provider(self) -> str:
        """Who makes the vectors: one of `core.settings.EmbeddingProvider`."""
        ...

    @property
    def name(self) -> str:
        """With which model."""
        ...

    @property
    def dimensions(self) -> int | None:
        """None until the first answer of a provider that does not say (see `probe`)."""
        ...

    async def embed_passages(self, texts: Sequence[str]) -> list[HalfVector]:
        """One vector for each text, in order."""
        ...

    async def embed_query(self, text: str) -> HalfVector:
        """The vector of a question. Answers or fails at once: somebody is waiting."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


def rejected(detail: str) -> JobError:
    """The provider answered, and the answer is of no use: trying again will not help."""
    return JobError("embedding_rejected", detail)


def unavailable(detail: str, *, retry_after: float | None = None) -> JobError:
    """The provider does not answer now."""
    return JobError("embedding_unavailable", detail, retryable=True, retry_after=retry_after)


def unit(values: Sequence[Any]) -> HalfVector:
    """`values` scaled to length 1; zeros stay zeros. Refuses what is not a finite number."""
    if not all(type(value) in {int, float} and isfinite(value) for value in values):
        raise rejected("The embedding provider answered with values that are not finite numbers.")
    largest = max(map(abs, values), default=0) or 1  # first, so that no square overflows
    scaled = [value / largest for value in values]
    length = sqrt(sum(value * value for value in scaled)) or 1.0
    return HalfVector([value / length for value in scaled])


def check_dimensions(vectors: Sequence[HalfVector], expected: int | None) -> int | None:
    """The dimensions the vectors share; they must be the expected ones."""
    for vector in vectors:
        expected = expected or vector.dimensions()
        if vector.dimensions() != expected:
            raise JobError(
                "embedding_dimension_mismatch",
                f"The embedding model answered with {vector.dimensions()} dimensions instead of {expected}.",
            )
    return expected

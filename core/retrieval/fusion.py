"""How the two legs of a search become one score."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple, Protocol

from pgvector import HalfVector

from core.settings import EmbeddingProvider


class QueryEmbedder(Protocol):
    """What a search needs of an embedding provider (see `core.embeddings`)."""

    @property
    def provider(self) -> str:
        """Who makes the vectors."""
        ...

    @property
    def name(self) -> str:
        """With which model."""
        ...

    async def embed_query(self, text: str) -> HalfVector:
        """The unit vector of a question. Raises JobError."""
        ...


class Fusion(NamedTuple):
    """`weight` of the dense leg's z-score beside the words' until a namespace is calibrated; `floor` is the
    cosine from which a passage that shares no word with the question counts as found.
    """

    weight: float
    floor: float


_UNKNOWN = Fusion(0.5, 0.0)
_BY_PROVIDER = {EmbeddingProvider.HASHED_NGRAMS: Fusion(0.2, 0.25)}
"""Hashed n-grams see letters, as the words' leg does already. Measured: 0.2 adds 0.007 nDCG@10 on one set and
nothing on the other; 0.05-0.3 are within 0.002 of it."""


def fusion_of(provider: str) -> Fusion:
    """The defaults for a provider."""
    return _BY_PROVIDER.get(provider, _UNKNOWN)  # type: ignore[call-overload]


def zscores(values: Sequence[float | None]) -> list[float]:
    """Each value in standard deviations from the mean; 0 for None and where all values are alike."""
    present = [value for value in values if value is not None]
    if not present:
        return [0.0] * len(values)
    mean = sum(present) / len(present)
    deviation = sqrt(sum((value - mean) ** 2 for value in present) / len(present))
    return [0.0 if value is None or not deviation else (value - mean) / deviation for value in values]

"""The provider that needs nothing: letters of words hashed into a vector, the same on every machine.

It is a lexical fingerprint, good at spelling and word forms. It knows no synonyms: where meaning matters,
configure a real model.
"""

import asyncio
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import sqrt
from typing import ClassVar

from pgvector import HalfVector

from core.embeddings.protocol import unit

DIMENSIONS = 384
SIZES = (3, 4, 5)
_WORD = re.compile(r"[^\W_]{3,64}")  # shorter ones are mostly grammar
_MARKS = re.compile("[\u0300-\u036f]")


class HashedNgrams:
    """Feature hashing (Weinberger et al., 2009) of the character 3-, 4- and 5-grams of each word.

    Each gram is one signed dimension. Words repeat with the square root of their count.
    """

    provider: ClassVar[str] = "hashed_ngrams"
    name: ClassVar[str] = f"chars-3-5/{DIMENSIONS}"
    dimensions: int | None = DIMENSIONS

    async def embed_passages(self, texts: Sequence[str]) -> list[HalfVector]:
        """One vector for each text; a text without words gives zeros."""
        return await asyncio.to_thread(lambda: [_embed(text) for text in texts])  # seconds for a book

    async def embed_query(self, text: str) -> HalfVector:
        """The vector of a question."""
        return _embed(text)

    async def aclose(self) -> None:
        """Nothing to let go of."""


def _embed(text: str) -> HalfVector:
    values = [0.0] * DIMENSIONS
    for word, count in Counter(_WORD.findall(text.lower())).items():
        weight = sqrt(count)
        for dimension, sign in _features(word):
            values[dimension] += sign * weight
    return unit(values)


@lru_cache(maxsize=16_384)
def _features(word: str) -> tuple[tuple[int, float], ...]:
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", word))
    edged = f"^{plain}$"
    grams = {edged[i : i + size] for size in SIZES for i in range(max(1, len(edged) - size + 1))}
    hashes = (zlib.crc32(gram.encode()) for gram in sorted(grams))
    share = 1 / sqrt(len(grams))
    return tuple((value % DIMENSIONS, share if value >> 31 else -share) for value in hashes)

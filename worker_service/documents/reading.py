"""What passes between the steps of the pipeline: the bytes that came in and what was read out of them."""

import hashlib
from dataclasses import dataclass

from worker_service.documents.canonical import CanonicalDocument
from worker_service.documents.chunk import Chunk
from worker_service.documents.sniff import MediaType

PIPELINE_VERSION = 1
"""Raise it when extraction or chunking changes: the same bytes are then read anew."""


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a document and what their bearer said of them."""

    data: bytes
    filename: str | None
    media_type: str | None

    @property
    def fingerprint(self) -> bytes:
        """Equal for equal bytes read by the same pipeline."""
        return hashlib.sha256(b"%d:" % PIPELINE_VERSION + self.data).digest()


@dataclass(frozen=True, slots=True)
class Reading:
    """A source's format, its canonical text and the spans that will be searchable."""

    media_type: MediaType
    document: CanonicalDocument
    chunks: list[Chunk]

    def passages(self) -> list[tuple[Chunk, str]]:
        """Each chunk with its text."""
        return [(chunk, self.document.text[chunk.start : chunk.end]) for chunk in self.chunks]

"""Stand-in until retrieval lands."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk."""

    chunk_id: int
    document_id: UUID
    version_id: int
    version: int
    title: str
    source: str
    header: str
    text: str
    start: int
    end: int
    score: float
    coverage: float

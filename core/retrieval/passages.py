"""What a search finds: a chunk with its place in its document and what speaks for it."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of a current version: `text` is `canonical_text[start:end]` of that version, in code points.

    `score` orders the passages of one result and means nothing beyond it. `coverage` is the BM25 score over
    the summed idf of the question's words: about 0 for a stranger, 1 and more for a passage that has all of
    them. `dense` is the cosine with the question, None when no embedding took part.
    """

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
    lexical: float = 0.0
    dense: float | None = None

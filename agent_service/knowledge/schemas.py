"""Documents and passages, as callers read them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from agent_service.chat.schemas import FiltersIn, Question
from core.retrieval.passages import Passage
from core.types import Line, Model, Slug
from core.web.pagination import PageQuery


class RetrieveIn(Model):
    """What to search for."""

    query: Question
    namespace: Slug = "default"
    top_k: int = Field(10, ge=1, le=50, strict=True)
    filters: FiltersIn = FiltersIn()


class PassageOut(BaseModel):
    """A passage: `text` is `canonical_text[start:end]` of that version of the document."""

    document_id: UUID
    document_title: str
    source: str
    header: str
    version: int
    start: int = Field(description="in code points")
    end: int
    text: str
    score: float = Field(description="orders this result; means nothing beyond it")
    coverage: float = Field(description="how much of the query's words it covers, about 0 to 1")

    @classmethod
    def of(cls, passage: Passage) -> "PassageOut":
        """A passage as seen from outside."""
        named = {"document_title": passage.title}
        return cls(
            **named, **{name: getattr(passage, name) for name in cls.model_fields if name not in named}
        )


class RetrieveOut(BaseModel):
    """Passages, best first."""

    mode: str = Field(description="`hybrid`, or `lexical` when no embedding took part")
    coverage: float
    passages: list[PassageOut]


class DocumentQuery(PageQuery):
    """Which documents to list."""

    namespace: Slug | None = None
    q: Annotated[Line, Field(max_length=200)] | None = Field(None, description="words in the title")


class DocumentOut(BaseModel):
    """A document and its current version."""

    id: UUID
    namespace: str
    title: str
    source: str
    metadata: dict[str, Any]
    version: int | None = Field(description="the current version; None before the first is ready")
    created_at: datetime
    updated_at: datetime


class DocumentDetail(DocumentOut):
    """A document with what its current version is made of."""

    media_type: str | None
    length: int | None = Field(description="of the canonical text, in code points")
    chunks: int
    outline: list[Any] = Field(description="the headings of the current version")


class VersionOut(BaseModel):
    """A version of a document: its text never changes."""

    version: int
    current: bool
    media_type: str
    length: int
    text_sha256: str
    created_at: datetime


class VersionsOut(BaseModel):
    """The versions of a document, newest first."""

    items: list[VersionOut]


class TextQuery(Model):
    """Which version to read."""

    version: int | None = Field(None, ge=1, le=2**31 - 1, description="default: the current one")


class TextOut(BaseModel):
    """The canonical text that citations point into, in code points."""

    document_id: UUID
    version: int
    text: str


class NamespaceOut(BaseModel):
    """A body of knowledge that is searched as one."""

    name: str
    documents: int
    chunks: int
    embedding_model: str | None
    created_at: datetime


class NamespacesOut(BaseModel):
    """All namespaces, by name."""

    items: list[NamespaceOut]

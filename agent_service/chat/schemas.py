"""A question and its answer, as callers write and read them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from core.assistant.citations import Citation
from core.llm.model import Usage
from core.retrieval.queries import Filters
from core.types import Metadata, Model, Slug, Text

MAX_QUESTION = 2_000
MAX_PASSAGES = 20

Question = Annotated[Text, Field(max_length=MAX_QUESTION, examples=["Qual o horário de atendimento?"])]


class FiltersIn(Model):
    """What a search is confined to; all of it must hold."""

    documents: list[UUID] | None = Field(None, min_length=1, max_length=100)
    metadata: Metadata = Field(default_factory=dict, description="the document's metadata must contain this")

    def as_filters(self) -> Filters:
        """As retrieval takes them."""
        return Filters(self.documents, self.metadata or None)


class ChatIn(Model):
    """A question to answer from the documents of a namespace."""

    question: Question
    namespace: Slug = "default"
    top_k: int = Field(
        8, ge=1, le=MAX_PASSAGES, strict=True, description="how many passages the answer may rest on"
    )
    filters: FiltersIn = FiltersIn()
    stream: bool = Field(
        default=False, strict=True, description="answer with server-sent events; so does `Accept`"
    )


class CitationOut(BaseModel):
    """Where a sentence of the answer comes from: `quote` is `canonical_text[start:end]` of that version."""

    number: int
    document_id: UUID
    document_title: str
    source: str
    header: str | None = Field(description="title and section; unknown once the version is replaced")
    version: int
    start: int = Field(description="in code points")
    end: int
    quote: str
    score: float | None = Field(None, description="of the passage, within this answer")

    @classmethod
    def of(cls, citation: Citation) -> "CitationOut":
        """A citation of an answer in the making."""
        passage = citation.passage
        return cls(
            number=citation.number,
            document_id=passage.document_id,
            document_title=passage.title,
            source=passage.source,
            header=passage.header,
            version=passage.version,
            start=citation.start,
            end=citation.end,
            quote=citation.quote,
            score=passage.score,
        )


class UsageOut(BaseModel):
    """Tokens, as the model's provider counted them."""

    prompt_tokens: int
    completion_tokens: int

    @classmethod
    def of(cls, usage: Usage | None) -> "UsageOut | None":
        """The usage, if a model told."""
        return None if usage is None else cls(**{name: getattr(usage, name) for name in cls.model_fields})


class ChatOut(BaseModel):
    """A finished answer. `model` is `extractive` when no language model spoke; `notice` says why not."""

    id: UUID
    question: str
    namespace: str
    answer: str
    abstained: bool = Field(description="the documents do not answer the question")
    offer: str | None = Field(None, description="what can be done when the documents do not answer")
    citations: list[CitationOut]
    model: str
    coverage: float | None = Field(description="how much of the question the best passage covers")
    retrieval: str | None = Field(None, description="`hybrid`, or `lexical` when no embedding took part")
    usage: UsageOut | None = None
    notice: str | None = Field(None, examples=["llm_timeout"])


class Event(BaseModel):
    """A server-sent event; `id` is where to resume."""

    name: str
    id: str
    data: dict[str, Any]

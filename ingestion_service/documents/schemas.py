"""The words of the door: what a caller hands in, and what a job looks like from outside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, Json, model_validator
from pydantic_core import PydanticCustomError

from core.models import IngestionOutcome, IngestionStatus, JobKind
from core.types import Instant, Line, Metadata, Model, Slug, Text
from core.web.pagination import PageQuery

MAX_TEXT = 900_000
MAX_BATCH = 1_000

IdempotencyKey = Annotated[
    str,
    Field(
        pattern=r"^[\x21-\x7e]{1,200}$", description="a repeat with the same key answers with the first job"
    ),
]
Priority = Annotated[int, Field(ge=0, le=32_767, description="lower runs first")]
StrictPriority = Annotated[Priority, Field(strict=True)]
Title = Annotated[Line, Field(max_length=300)]
Source = Annotated[Line, Field(max_length=500)]


class Options(Model):
    """How to take a document in, whatever it is made of."""

    namespace: Slug = "default"
    title: Title | None = None
    metadata: Metadata = Field(default_factory=dict)
    priority: StrictPriority = 100
    run_at: Instant | None = Field(None, description="not before this moment")
    idempotency_key: IdempotencyKey | None = None


class DocumentIn(Options):
    """A document to take in: exactly one of `source_uri` and `text`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "O atendimento funciona de segunda a sexta, das 8h às 18h.",
                    "title": "Horário de atendimento",
                    "metadata": {"setor": "atendimento"},
                }
            ]
        }
    )

    source_uri: Annotated[Line, Field(max_length=2048)] | None = Field(
        None, description="an http or https address, fetched by the worker"
    )
    text: Annotated[Text, Field(max_length=MAX_TEXT)] | None = Field(None, description="the text itself")
    source: Source | None = Field(
        None, description="a lasting name for a text, so that a later text replaces it; default: its hash"
    )

    @model_validator(mode="after")
    def _exactly_one_content(self) -> Self:
        if (self.source_uri is None) == (self.text is None):
            raise PydanticCustomError("one_content", "give exactly one of source_uri and text")
        if self.source is not None and self.text is None:
            raise PydanticCustomError("source_of_text", "source names a text; a source_uri names itself")
        return self


class BatchIn(Model):
    """Many documents, taken in together or not at all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"text": "Primeiro texto."}, {"source_uri": "https://example.com/"}]}]
        }
    )

    items: list[DocumentIn] = Field(min_length=1, max_length=MAX_BATCH)


class FileOptions(Model):
    """How to take a file in: the fields beside it in the form. `metadata` is a JSON object as text."""

    namespace: Slug = "default"
    title: Title | None = None
    metadata: Json[Metadata] = Field(default_factory=dict, examples=['{"setor": "atendimento"}'])
    priority: Priority = 100
    run_at: Instant | None = None
    idempotency_key: IdempotencyKey | None = None
    source: Source | None = Field(None, description="a lasting name; default: the file's name")


class JobQuery(PageQuery):
    """Which jobs to list."""

    status: IngestionStatus | None = None
    namespace: Slug | None = None
    kind: JobKind | None = None
    source: Annotated[str, Field(min_length=1, max_length=2048)] | None = None


class JobError(BaseModel):
    """Why the latest attempt failed."""

    code: str
    detail: str


class JobOut(BaseModel):
    """A job as its owner sees it."""

    id: UUID
    kind: JobKind
    namespace: str
    source: str
    title: str | None
    status: IngestionStatus
    stage: str | None = Field(description="what the worker is doing")
    progress: int = Field(description="percent")
    priority: int
    attempt: int
    max_attempts: int
    error: JobError | None
    run_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    document_id: UUID | None
    outcome: IngestionOutcome | None

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen, unless somebody retries it."""
        return self.status in {IngestionStatus.COMPLETED, IngestionStatus.FAILED}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """A row of `queries.JOB` as seen from outside."""
        values = dict(row)
        code, detail = values.pop("error_code"), values.pop("error_detail")
        values.pop("key")
        return cls(**values, error=None if code is None else JobError(code=code, detail=detail))


class BatchOut(BaseModel):
    """The jobs of a batch, in the order of its items."""

    items: list[JobOut]


class Stats(BaseModel):
    """How the queue is doing."""

    counts: dict[IngestionStatus, int]
    oldest_pending_seconds: float | None = Field(description="age of the oldest job that could run now")
    failures: dict[str, int] = Field(description="jobs that FAILED in the last day, by code")

"""Imports as callers send and read them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from core.imports import Mapping
from core.models import ImportLayout, ImportOutcome, ImportStatus, IngestionStatus
from core.types import Line, Model
from core.web.pagination import PageQuery

FINISHED = frozenset(
    {ImportStatus.CHECKED, ImportStatus.COMMITTED, ImportStatus.REVERTED, ImportStatus.REFUSED}
)


class ImportOptions(Model):
    """The fields of the form beside the file."""

    layout: ImportLayout
    dry_run: bool = Field(default=False, description="say what would be done, and wait for the commit")
    entity: Annotated[Line, Field(max_length=100)] | None = Field(
        None, description="whose payroll or leads these are, where the file does not say it"
    )
    mapping: str | None = Field(
        None,
        max_length=10_000,
        description="for `csv`: JSON of `columns` (meaning to heading), `delimiter`, `decimal_mark`, `rows`",
    )


class Failure(BaseModel):
    """Why a file was refused, or the job that works on it gave up."""

    code: str
    detail: str


class Counts(BaseModel):
    """Rows so far. `kept`: those some of whose work stayed when the batch was taken back."""

    total: int
    done: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    kept: int


class ImportOut(BaseModel):
    """A file and what became of it."""

    id: UUID
    layout: ImportLayout
    status: ImportStatus
    dry_run: bool
    entity: str | None
    sha256: str
    mapping: Mapping | None
    control_totals: dict[str, int] = Field(
        description="what the file says of itself, and its rows agree with"
    )
    rows: Counts
    error: Failure | None
    job: IngestionStatus | None = Field(
        description="the job that works on it; FAILED asks for commit or revert"
    )
    duplicate: bool = Field(
        default=False, description="these bytes were handed in before: this is that import"
    )
    created_at: datetime
    committed_at: datetime | None
    ended_at: datetime | None

    @property
    def finished(self) -> bool:
        """Nothing more happens by itself."""
        return self.status in FINISHED or self.job is IngestionStatus.FAILED


class ImportQuery(PageQuery):
    """Which imports."""

    status: ImportStatus | None = None
    layout: ImportLayout | None = None


class RowQuery(Model):
    """Which rows."""

    outcome: ImportOutcome | None = None
    kept: bool | None = Field(None, description="only those a revert could not take back whole")
    limit: int = Field(100, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=512)


class RowOut(BaseModel):
    """A row: where it stands in the file and what it did, or why it was refused."""

    position: int = Field(description="the first row is 1")
    line: int = Field(description="the first line of the file is 1")
    outcome: ImportOutcome
    code: str | None
    message: str | None
    notes: list[str]
    client_id: UUID | None
    enrollment_id: UUID | None
    payroll_line_id: UUID | None
    kept_code: str | None = Field(description="why a revert left it: `changed_since` or `in_use`")

"""The audit log, as its readers see it."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from core.audit.verification import Fault
from core.types import Int64
from core.web.pagination import PageQuery

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class AuditQuery(PageQuery):
    """Which entries to list; the filters are exact."""

    action: Word | None = Field(None, examples=["client.merged"])
    actor: Annotated[int, Field(ge=1, lt=2**63)] | None = Field(None, description="the principal's id")
    subject: Word | None = Field(None, examples=["client/0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d"])


class EntryOut(BaseModel):
    """An act. `position` and `hash` are its place in the chain; null for the second until it is sealed."""

    id: int
    recorded_at: datetime
    actor: int | None = Field(description="the principal's id; null: the system itself")
    action: str
    subject: str
    data: dict[str, Any]
    request_id: str | None
    position: int | None
    hash: str | None = Field(description="SHA-256 of the entry and of the hash before it, in hex")


class BreakOut(BaseModel):
    """The first place where the chain does not hold."""

    fault: Fault
    position: int
    entry: int | None = Field(description="the id of the entry that stands there, if any does")


class VerdictOut(BaseModel):
    """What a walk along the whole chain found."""

    intact: bool
    checked: int = Field(description="entries that hold, from the first one on")
    unsealed: int = Field(description="entries that wait for their seal: they are checked once they have it")
    oldest_unsealed_seconds: float | None
    first_break: BreakOut | None


class HeadOut(BaseModel):
    """The end of the chain, signed (Ed25519). Kept elsewhere, it proves all entries up to `position`."""

    position: Int64
    hash: str
    signed_at: datetime
    message: str = Field(description="what is signed")
    public_key: str = Field(description="raw, in base64")
    signature: str = Field(description="in base64")

"""Decisions and their proofs, as callers read and send them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from agent_service.privacy.schemas import NoticeOut, Purpose
from core.consents import SERVICE_DESK, FaultCode
from core.models import ConsentAction, ConsentCause, MessageSource
from core.types import Model, Slug, Text
from core.web.pagination import PageQuery


class ConsentQuery(PageQuery):
    """Which decisions to list."""

    client_id: UUID | None = None
    purpose: Purpose | None = None


class ConsentIn(Model):
    """What a client decided, and how that can be proven."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "client_id": "0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d",
                    "action": "REVOKE",
                    "channel": "phone",
                    "evidence": "Ligou em 20/11 e pediu para não usarmos mais os dados; protocolo 4711.",
                }
            ]
        }
    )

    client_id: UUID
    action: ConsentAction
    purpose: Purpose = SERVICE_DESK
    channel: Slug = Field("desk", description="through which channel they decided")
    notice_id: UUID | None = Field(
        None,
        description="the notice they decided about; by default the one shown by now, or the one they revoke",
    )
    event_id: UUID | None = Field(None, description="the message of theirs that says so")
    evidence: Annotated[Text, Field(max_length=4_000)] | None = Field(
        None, description="what proves it: a protocol number, where the signed form lies; stored sealed"
    )


class ConsentOut(BaseModel):
    """One row of the ledger."""

    id: UUID
    client_id: UUID
    seq: int = Field(description="its place in the client's ledger, from 1 on")
    purpose: str
    action: ConsentAction
    cause: ConsentCause = Field(
        description="DECISION of the client; CARRIED over by a merge or RESTORED when it was undone"
    )
    notice_id: UUID
    notice_version: int
    notice_sha256: str
    channel: str
    event_id: UUID | None
    actor: int | None = Field(description="the principal who noted it down; None: the client's own message")
    decided_at: datetime
    hash: str


class StandingQuery(Model):
    """Whose decisions."""

    client_id: UUID


class StandingOut(BaseModel):
    """What a client has decided about a purpose, and what that allows now."""

    purpose: str
    holds: bool = Field(description="whether personal data may be processed for the purpose")
    action: ConsentAction
    outdated: bool = Field(description="a later notice asks everybody again")
    channel: str
    decided_at: datetime


class DecisionOut(BaseModel):
    """The client's latest decision about the purpose."""

    changed: bool = Field(description="false when that was so before: nothing was written")
    consent: ConsentOut


class LinkOut(BaseModel):
    """A row of a ledger as it is hashed: `hash` is the SHA-256 of `payload`, which names the hash before."""

    seq: int
    payload: str
    hash: str


class ShownOut(BaseModel):
    """When and where the client was shown this very notice, the last time before the decision."""

    channel: str
    at: datetime


class MessageOut(BaseModel):
    """The message the decision was read from. `content` is None once it was erased."""

    event_id: UUID
    source: MessageSource
    received_at: datetime
    content: str | None


class EvidenceOut(BaseModel):
    """What was noted down: the ledger has SHA-256(salt, text) as `evidence`. None once it was erased."""

    text: str
    salt: str


class ProofOut(BaseModel):
    """All that proves a decision, to be checked without us: see docs/privacy.md."""

    consent: ConsentOut
    notice: NoticeOut
    shown: ShownOut | None
    message: MessageOut | None
    evidence: EvidenceOut | None
    chain: list[LinkOut] = Field(description="the client's whole ledger, from its first row to its last")


class VerifyQuery(Model):
    """Whose ledger to verify."""

    client_id: UUID | None = Field(None, description="everybody's when left out")


class FaultOut(BaseModel):
    """Where a ledger is not what it was."""

    code: FaultCode
    client_id: UUID | None
    consent_id: UUID | None = Field(description="None: the end of the client's ledger, or a row that is gone")


class VerificationOut(BaseModel):
    """What a walk along the ledgers found."""

    intact: bool
    rows: int
    clients: int
    digest: str = Field(description="of all ledgers at once: the same digest, the same ledgers")
    faults: list[FaultOut] = Field(description="the first hundred")

"""Cases as callers send and read them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.models import CaseActor, CaseChange, CasePriority, CaseStatus, LeaseEnd
from core.types import Int64, Metadata, Model, Slug, Text
from core.web.pagination import PageQuery

CLIENT = "0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d"
MOST_HOURS = 720
Reason = Annotated[Text, Field(max_length=2_000)]
Token = Annotated[
    Int64, Field(ge=0, description="the case's `token` as you read it; an older one is refused")
]


def _example(**members: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [members]})


class CaseIn(Model):
    """Something to be worked on for a client at an entity."""

    model_config = _example(
        client_id=CLIENT, entity="prefeitura-de-teresina", priority="high", data={"margem": "350.00"}
    )

    client_id: UUID
    entity: Slug = Field(description="a paying body, an agreement: a client has one open case at each")
    priority: CasePriority = CasePriority.NORMAL
    data: Metadata = Field(default_factory=dict, description="what the work begins with")


class CaseQuery(PageQuery):
    """Which cases to list."""

    status: CaseStatus | None = None
    entity: Slug | None = None
    client_id: UUID | None = None
    priority: CasePriority | None = None
    owner: UUID | Literal["me", "none"] | None = None
    pool: bool | None = Field(None, description="true: those that wait to be taken; false: all others")


class ClaimIn(Model):
    """Which case to take: the one that has waited longest, by its priority."""

    model_config = _example(entity="prefeitura-de-teresina")

    entity: Slug | None = Field(None, description="only of this entity")


class ReleaseIn(Model):
    """The case goes on without you."""

    model_config = _example(token=1, reason="O cliente pediu outro atendente.")

    token: Token
    reason: Reason | None = None


class TransferIn(Model):
    """Whose the case is from now on, and why."""

    model_config = _example(token=1, owner=CLIENT, reason="Férias.")

    token: Token
    owner: UUID = Field(description="a person's id")
    reason: Reason


class ExtendIn(Model):
    """How much longer, and why."""

    model_config = _example(token=1, hours=24, reason="O cliente volta de viagem amanhã.")

    token: Token
    hours: Annotated[int, Field(ge=1, le=MOST_HOURS, strict=True)] | None = Field(
        None, description="without them, a whole lease"
    )
    reason: Reason


class TransitionIn(Model):
    """Where the case goes, and why."""

    model_config = _example(token=1, to="sem_contato", reason="Três ligações sem resposta.")

    token: Token
    to: CaseStatus
    reason: Reason | None = None


class WhoOut(BaseModel):
    """A person who works here, or an API key."""

    id: str
    name: str


class CaseOut(BaseModel):
    """A case, as lists show it: as it is now, also when a lease has just ended."""

    id: UUID
    number: str = Field(examples=["C2026-000123"])
    client_id: UUID
    entity: str
    status: CaseStatus
    priority: CasePriority
    owner: WhoOut | None
    token: int = Field(description="send it with every change")
    expires_at: datetime | None = Field(description="until then it is its owner's")
    opened_at: datetime
    updated_at: datetime
    version: int


class CaseDetail(CaseOut):
    """A case, whole."""

    data: dict[str, Any]
    allowed: list[CaseStatus] = Field(description="where you may take it by `transition`")


class AssignmentOut(BaseModel):
    """Who had the case, from when to when."""

    token: int
    owner: WhoOut | None
    taken_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    reason: LeaseEnd | None


class EventOut(BaseModel):
    """What became of the case. The last event is what it is."""

    id: UUID
    version: int
    change: CaseChange
    from_status: CaseStatus | None
    to_status: CaseStatus
    owner: WhoOut | None
    token: int
    expires_at: datetime | None
    actor: WhoOut | None = Field(description="None: the product itself")
    acted_as: CaseActor
    reason: str | None
    at: datetime

"""Conversations and what is said in them, as people read and steer them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.models import Author, ConversationMode, MessageSource, MessageStatus, OutboundState, TurnState
from core.types import Int64, Model, Slug, Text
from core.web.pagination import PageQuery

MAX_REPLY = 4_000


class WhoOut(BaseModel):
    """A person who works here."""

    id: UUID
    name: str


class ConversationOut(BaseModel):
    """The thread of one client on one of our accounts."""

    id: UUID
    client_id: UUID
    client_name: str | None
    account: str
    source: MessageSource
    mode: ConversationMode = Field(description="human: the assistant keeps silent")
    assignee: WhoOut | None
    unanswered: int = Field(description="messages of the client since anybody last answered")
    failed_turns: int = Field(description="messages the assistant gave up on")
    last_inbound_at: datetime
    last_event_at: datetime
    created_at: datetime
    version: int = Field(description="the ETag, without its quotes")


class ConversationQuery(PageQuery):
    """Which conversations to list."""

    mode: ConversationMode | None = None
    assignee: UUID | Literal["me", "none"] | None = None
    account: Slug | None = None
    client_id: UUID | None = None


class MessageQuery(PageQuery):
    """Which part of the thread to read: newest first."""

    after: Int64 | None = Field(None, ge=0, strict=False, description="only messages with a greater `seq`")


class TurnOut(BaseModel):
    """What the assistant made of a message."""

    state: TurnState
    outcome: str | None = Field(examples=["answer"])
    intent: str | None = Field(examples=["PERGUNTA_RAG"])
    error_code: str | None


class DeliveryOut(BaseModel):
    """How far a message to the client got."""

    state: OutboundState
    reported: MessageStatus | None = Field(description="what the channel says of it since")
    attempts: int
    error_code: str | None
    sent_at: datetime | None


class MessageOut(BaseModel):
    """One message of the thread."""

    id: UUID
    seq: int
    author: Author
    person: WhoOut | None = Field(description="who wrote it, of a person's message")
    text: str
    event_id: UUID | None = Field(description="the event a client's message came as")
    turn: TurnOut | None
    delivery: DeliveryOut | None
    created_at: datetime


class ReplyIn(Model):
    """What to tell the client."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "Bom dia! Já pedi a segunda via ao financeiro."}]}
    )

    text: Annotated[Text, Field(max_length=MAX_REPLY)]


class AssignIn(Model):
    """Whose the conversation is from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"assignee": "me"}]})

    assignee: UUID | Literal["me"] | None = Field(description="a person's id; `me`; null: nobody's")

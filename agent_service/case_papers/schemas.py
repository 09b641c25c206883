"""Notes and files of a case, as callers send and read them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field

from agent_service.cases.schemas import WhoOut
from core.types import Model, Text


class CaseCommentIn(Model):
    """Something to say about the case, among us."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"body": "Cliente pediu retorno depois das 14h."}]}
    )

    body: Annotated[Text, Field(max_length=20_000)]


class CaseCommentOut(BaseModel):
    """Something said about the case."""

    id: UUID
    body: str
    author: WhoOut | None
    created_at: datetime


class AttachmentIn(Model):
    """The form of an upload."""

    file: UploadFile


class AttachmentOut(BaseModel):
    """A file of the case; its bytes are at `/cases/attachments/{id}`."""

    id: UUID
    name: str
    media_type: str = Field(description="by its first bytes, whatever its name says")
    size: int = Field(description="bytes")
    author: WhoOut | None
    created_at: datetime

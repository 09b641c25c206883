"""Notices, as callers read and publish them."""

from datetime import datetime
from typing import Annotated, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.types import Model, Text
from core.web.pagination import PageQuery

Purpose: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,62}$", examples=["LGPD_V1"])]
"""What personal data is processed for. `LGPD_V1` is answering people and keeping their tickets."""


class NoticeQuery(PageQuery):
    """Which notices to list."""

    purpose: Purpose | None = None
    current: bool = Field(default=False, description="only the version of each purpose that is shown by now")


class NoticeIn(Model):
    """The next version of what people are told about a purpose."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "purpose": "LGPD_V1",
                    "body": "A Prefeitura de Exemplo usa seu nome e seu telefone para atender você por aqui. "
                    "Encarregado: encarregado@exemplo.org.br. Para desistir, responda revogar. "
                    "Você concorda? Responda SIM ou NÃO.",
                    "asks_again": False,
                }
            ]
        }
    )

    purpose: Purpose
    body: Annotated[Text, Field(max_length=20_000)] = Field(description="the exact text people are shown")
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][A-Za-z0-9]{1,7})?$")] = "pt-BR"
    asks_again: bool = Field(
        default=False,
        strict=True,
        description="consents to earlier versions allow nothing any more: the purpose itself changed",
    )


class NoticeOut(BaseModel):
    """A version of a notice. It is never changed."""

    id: UUID
    purpose: str
    version: int
    language: str
    body: str
    sha256: str = Field(description="of `body` in UTF-8, in hex")
    asks_again: bool
    is_current: bool
    published_at: datetime

"""API keys, as administrators see them. The secret is in one answer only."""

from datetime import datetime
from typing import Annotated, TypeAlias

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from core.apikeys import Scope
from core.types import Line, Model

KeyId: TypeAlias = Annotated[str, Path(pattern=r"^[a-z0-9]{10}$", examples=["a1b2c3d4e5"])]


class KeyOut(BaseModel):
    """A key, without its secret."""

    public_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="to the minute")
    revoked_at: datetime | None


class KeyIn(Model):
    """A new key: what it is for, and what it may do."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "site", "scopes": ["chat"], "expires_in_days": 365}]}
    )

    name: Annotated[Line, Field(max_length=200)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_in_days: Annotated[int, Field(ge=1, le=36_500, strict=True)] | None = Field(
        None, description="absent: it does not expire"
    )


class NewKeyOut(KeyOut):
    """The key itself."""

    key: str = Field(description="shown once: only its hash is kept")

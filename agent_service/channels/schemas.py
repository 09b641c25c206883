"""Accounts as operators write and read them: a secret goes in, and never comes out again."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from core.channels.channel import Secret
from core.channels.config import Config
from core.models import ChannelKind
from core.types import Line, Model, Slug

Name = Annotated[Line, Field(max_length=200)]
SecretText = Annotated[SecretStr, Field(min_length=8, max_length=2_000)]


class ChannelIn(Model):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "account": "whatsapp",
                    "kind": "evolution",
                    "name": "WhatsApp do atendimento",
                    "assistant_on": True,
                    "config": {"instance": "atendimento"},
                }
            ]
        }
    )

    account: Slug = Field(description="the name in the webhook's address and on every message")
    kind: ChannelKind
    name: Name
    is_active: bool = Field(default=True, strict=True, description="an inactive account takes nothing in")
    assistant_on: bool = Field(default=False, strict=True, description="whether the assistant answers here")
    namespace: Slug = Field("default", description="the knowledge the assistant answers from")
    config: Config = Config()
    secrets: dict[Secret, SecretText] = Field(
        default_factory=dict,
        description="`verify_token`, `webhook_secret` and `reply_secret` are made up when they are not given",
    )


class ChannelPatch(Model):
    """What shall be otherwise. In `config` and `secrets`, null takes a member away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"assistant_on": False}]})

    name: Name = "-"
    is_active: bool = Field(default=True, strict=True)
    assistant_on: bool = Field(default=False, strict=True)
    namespace: Slug = "default"
    config: Config = Config()
    secrets: dict[Secret, SecretText | None] = Field(default_factory=dict)


class SecretOut(BaseModel):
    """Whether there is a secret, and how it ends, so that it is recognised."""

    is_set: bool
    last4: str | None = Field(description="None of a secret shorter than 16 characters")


class ChannelOut(BaseModel):
    """An account; its secrets are only hinted at."""

    account: str
    kind: ChannelKind
    name: str
    is_active: bool
    assistant_on: bool
    namespace: str
    config: Config
    secrets: dict[Secret, SecretOut]
    version: int
    created_at: datetime
    updated_at: datetime


class ChannelCreated(ChannelOut):
    """A new account."""

    generated: dict[Secret, str] = Field(
        description="secrets made up for you, to be given to the channel's other side; shown this once"
    )

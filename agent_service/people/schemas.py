"""People, as administrators see and change them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from agent_service.auth.schemas import NewPassword
from core.access import PersonRole
from core.types import Line, Model

PersonName = Annotated[Line, Field(max_length=200)]


class PersonOut(BaseModel):
    """A person who may log in, or might again."""

    id: UUID
    name: str
    email: str
    role: PersonRole
    active: bool
    version: int
    created_at: datetime
    last_login_at: datetime | None


class PersonIn(Model):
    """A new person."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Ana Souza", "email": "ana@example.org", "role": "agent"}]}
    )

    name: PersonName
    email: Annotated[Line, Field(max_length=254)]
    role: PersonRole
    password: NewPassword | None = Field(None, description="absent: one is made, and shown once")


class NewPersonOut(PersonOut):
    """The person, with the password that was made for them."""

    password: str | None = Field(description="shown once; absent when it was given")


class PersonChange(Model):
    """What is to be different; what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "supervisor"}]})

    name: PersonName | None = None
    role: PersonRole | None = None
    active: bool | None = Field(None, strict=True, description="false: out at once, and cannot come in")


class PasswordResetIn(Model):
    """A password somebody else sets."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    password: NewPassword | None = Field(None, description="absent: one is made, and shown once")


class PasswordResetOut(BaseModel):
    """The password that was made."""

    password: str | None = Field(description="shown once; absent when it was given")


def chosen(password: SecretStr | None) -> str | None:
    """The plain text of a given password."""
    return None if password is None else password.get_secret_value()

"""Credentials and sessions, as callers write and read them."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from core.access import Permission, PrincipalKind, Role
from core.passwords import LEAST_LENGTH, MOST_LENGTH, normalised
from core.tokens import ACCESS_SECONDS
from core.types import Line, Model


def _normalised(password: SecretStr) -> SecretStr:
    return SecretStr(normalised(password.get_secret_value()))


Password: TypeAlias = Annotated[
    SecretStr, Field(min_length=1, max_length=MOST_LENGTH), AfterValidator(_normalised)
]
NewPassword: TypeAlias = Annotated[
    SecretStr,
    Field(min_length=LEAST_LENGTH, max_length=MOST_LENGTH, description="12 characters or more, any of them"),
    AfterValidator(_normalised),
]
RefreshText: TypeAlias = Annotated[SecretStr, Field(min_length=1, max_length=200)]


class LoginIn(Model):
    """Who wants to come in."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ana@example.org", "password": "correct horse battery"}]}
    )

    email: Annotated[Line, Field(max_length=254)]
    password: Password


class RefreshIn(Model):
    """The refresh token of the last answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "cgr_0f3a"}]})

    refresh_token: RefreshText


class PasswordChangeIn(Model):
    """The password of today, and the one from now on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"current": "correct horse battery", "new": "staple of the battery"}]}
    )

    current: Password
    new: NewPassword


class SessionOut(BaseModel):
    """What the client holds from now on; the refresh token it sent is used up."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- the name of a scheme
    expires_in: int = Field(ACCESS_SECONDS, description="seconds the access token lives")
    refresh_token: str = Field(description="good for one refresh; keep it where scripts cannot read it")
    session_ends_at: datetime = Field(description="when the person has to log in anew")


class MeOut(BaseModel):
    """The caller, as the permission table knows them."""

    kind: PrincipalKind
    name: str
    role: Role
    permissions: list[Permission]
    id: UUID | None = Field(None, description="of a person")
    email: str | None = Field(None, description="of a person")

"""Clients as callers send and read them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from core.contacts.message import MAX_IDENTIFIERS, Given
from core.matching import IdentityKind, canonical
from core.models import ClientStatus, MessageSource
from core.types import Line, Model, Slug, Text
from core.web.pagination import PageQuery

Name = Annotated[Line, Field(max_length=200)]
Notes = Annotated[Text, Field(max_length=10_000)]
EXAMPLE: dict[str, JsonValue] = {
    "name": "Maria da Silva",
    "identifiers": [
        {"kind": "phone", "value": "+55 11 90000-1234"},
        {"kind": "cpf", "value": "529.982.247-25"},
    ],
}


class Scoped(Model):
    """Whose `external` ids are meant: number 7 of one site is not number 7 of another."""

    account: Slug = Field("default", description="of `external` identifiers: the channel's account")
    source: MessageSource = Field(MessageSource.OTHER, description="of `external` identifiers: its kind")


class ClientIn(Scoped):
    """A client and what they are known by."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "notes": "Prefere ligações."}]})

    name: Name | None = None
    notes: Notes | None = None
    identifiers: tuple[Given, ...] = Field((), max_length=MAX_IDENTIFIERS)

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if self.name is None and not self.identifiers:
            raise PydanticCustomError("nobody", "give a name or an identifier")
        _require_one_cpf(self.identifiers)
        return self


class FindIn(Scoped):
    """What somebody is known by, and the name they get if they have none."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: Name | None = None
    identifiers: tuple[Given, ...] = Field(min_length=1, max_length=MAX_IDENTIFIERS)

    @model_validator(mode="after")
    def _is_one_person(self) -> Self:
        _require_one_cpf(self.identifiers)
        return self


class ClientPatch(Model):
    """What shall be different; what is left out stays, null empties."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Maria da Silva Souza"}]})

    name: Name | None = None
    notes: Notes | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing_to_change", "say what shall be different")
        return self


class IdentityIn(Scoped, Given):
    """Something the client is known by."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "email", "value": "maria@example.com"}]}
    )


class MoveIn(Model):
    """Whose the identity is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"to": "0199d3a2-7b1c-7c55-8c5e-0a3f5e1b2c3d"}]}
    )

    to: UUID = Field(description="the client who is known by it from now on")


class ClientQuery(PageQuery):
    """Which clients to list."""

    q: Annotated[Line, Field(max_length=200)] | None = Field(
        None,
        description="a CPF, CNPJ, telephone number or e-mail, whole; or words of the name: accents do not"
        " matter, beginnings do, and one wrong letter is forgiven",
    )
    status: ClientStatus = ClientStatus.ACTIVE


class IdentityOut(BaseModel):
    """Something a client is known by. CPF, CNPJ and ids of other systems are masked."""

    id: UUID
    kind: IdentityKind
    value: str
    valid_from: datetime
    last_seen_at: datetime = Field(description="noted once a day")
    valid_to: datetime | None = Field(description="None while it holds")


class ClientRow(BaseModel):
    """A client as lists show them; `id` is the contact_id of their messages."""

    id: UUID
    name: str | None
    status: ClientStatus
    merged_into: UUID | None = Field(description="who has what was theirs, once merged")
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="the ETag, without its quotes")


class ClientOut(ClientRow):
    """One person, or one organisation."""

    notes: str | None
    identities: list[IdentityOut]


class FoundOut(ClientOut):
    """The client the identifiers lead to."""

    created: bool = Field(description="false: they were here before")
    conflict: bool = Field(description="several seem to be meant, and wait for a human in `/crm/conflicts`")


class TimelineKind(StrEnum):
    """What happens with a client."""

    CONSENT = "consent"
    MERGE = "merge"
    MESSAGE = "message"
    TICKET = "ticket"


class MomentOut(BaseModel):
    """Something that happened with a client; `id` is that of the message, ticket, consent or merge."""

    kind: TimelineKind
    id: UUID
    at: datetime
    data: dict[str, Any] = Field(description="words about it, by kind; never what was written")


def _require_one_cpf(identifiers: tuple[Given, ...]) -> None:
    cpfs = {canonical(item.kind, item.value) for item in identifiers if item.kind is IdentityKind.CPF}
    if len(cpfs) > 1:
        raise PydanticCustomError("two_cpfs", "two CPFs are two people")

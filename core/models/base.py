"""The declarative base: naming rules for constraints and the column types every model uses."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Enum, Identity, MetaData, SmallInteger, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

from core.ids import uuid7

type_map: dict[Any, Any] = {
    str: Text(),
    int: BigInteger(),
    datetime: DateTime(timezone=True),
    UUID: Uuid(),
    dict[str, Any]: JSONB(),
}


class Base(DeclarativeBase):
    """Base of all models. Constraint names follow one convention, so that migrations can name them."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = type_map


BigId = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
"""The identity inside: never leaves the system."""

PublicId = Annotated[UUID, mapped_column(Uuid(), unique=True, default=uuid7)]
"""The identity outside."""

CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=text("now()"))]
SmallInt = Annotated[int, mapped_column(SmallInteger)]


def crm_enum(kind: type[StrEnum], name: str) -> Enum:
    """A native enum of schema `crm`, made by a migration, that holds the members' values."""
    return Enum(
        kind,
        name=name,
        schema="crm",
        native_enum=True,
        create_type=False,
        values_callable=lambda members: [member.value for member in members],
    )

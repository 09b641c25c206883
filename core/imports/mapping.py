"""Which column of a CSV means what. Pure."""

from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from core.types import Line, Model


class Column(StrEnum):
    """What a column may mean."""

    CPF = "cpf"
    NAME = "name"
    ENTITY = "entity"
    ENROLLMENT = "enrollment"
    POSITION = "position"
    PAYING_ORGAN = "paying_organ"
    MONTH = "month"
    RUBRIC = "rubric"
    AMOUNT = "amount"
    PAID = "paid"
    TOTAL = "total"
    STATUS = "status"


Heading: TypeAlias = Annotated[Line, Field(max_length=200)]
_ENTRY = {Column.MONTH, Column.RUBRIC, Column.AMOUNT}
_OF_ENTRY = _ENTRY | {Column.PAID, Column.TOTAL, Column.STATUS}


class Mapping(Model):
    """How to read a CSV. `rows` is how many rows its sender says it has: another number refuses the file."""

    columns: Annotated[
        dict[Column, Heading],
        Field(examples=[{"cpf": "CPF do servidor", "name": "Nome"}], description="meaning to heading"),
    ]
    delimiter: Literal[";", ",", "\t", "|"] = ";"
    decimal_mark: Literal[",", "."] = ","
    rows: Annotated[int, Field(ge=1, le=10_000_000)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        told = self.columns.keys()
        if Column.CPF not in told:
            raise PydanticCustomError("mapping_cpf", "a column must be the CPF")
        if told & _OF_ENTRY and not told >= _ENTRY | {Column.ENROLLMENT}:
            raise PydanticCustomError(
                "mapping_entry", "a payroll line needs enrollment, month, rubric and amount"
            )
        if len(set(self.columns.values())) < len(told):
            raise PydanticCustomError("mapping_twice", "one heading cannot mean two things")
        return self

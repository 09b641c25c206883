"""What a parser says of a row: all that is in it, or where it stands and why it was refused. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from core.errors import JobError


class Enrollment(NamedTuple):
    """Somebody's post with an entity. `number` is the matrícula: text, whose zeros matter."""

    entity: str
    number: str
    position: str | None = None
    paying_organ: str | None = None
    paying_organ_name: str | None = None


class Entry(NamedTuple):
    """A line of a payroll. `month` is the first day of its month; `posting` the raw text of ORGAO/LANC.

    Instalments are None where the layout does not tell them.
    """

    month: date
    rubric: str
    amount: Decimal
    posting: str | None = None
    status: str | None = None
    paid: int | None = None
    total: int | None = None


class Row(NamedTuple):
    """A row that was read. `notes` are codes of what was mended on the way, such as `cpf_padded`."""

    line: int
    raw: str
    cpf: str
    name: str | None
    enrollment: Enrollment | None = None
    entry: Entry | None = None
    notes: tuple[str, ...] = ()


class Rejected(NamedTuple):
    """A row that was not read: its line in the file (the first is 1), a stable code, a sentence."""

    line: int
    raw: str
    code: str
    message: str


Outcome: TypeAlias = Row | Rejected


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was accepted as a whole. `outcomes` walks its rows, from the beginning each time.

    `totals` are the control totals of the file, which its rows agree with; empty where it has none.
    """

    entity: str | None
    totals: Mapping[str, int]
    outcomes: Callable[[], Iterator[Outcome]]


class RowRefused(ValueError):
    """A row cannot be read. The message repeats nothing of the row."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class FileRefused(JobError):
    """The file as a whole cannot be trusted, so none of its rows is taken."""


def attempt(line: int, raw: str, read: Callable[[], Row]) -> Outcome:
    """The row, or its refusal."""
    try:
        return read()
    except RowRefused as refusal:
        return Rejected(line, raw, refusal.code, refusal.message)
